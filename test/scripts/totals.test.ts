import { describe, expect, it } from 'vitest'
import { addUp, countGtest, countVitest, settled, totalLine } from '../../scripts/suites/totals.mjs'

describe('totals of npm test', () => {
  it("counts a GoogleTest program's tests by their results", () => {
    const tests = [
      { name: 'ok', status: 'RUN', result: 'COMPLETED' },
      { name: 'bad', status: 'RUN', result: 'COMPLETED', failures: [{ failure: 'x' }] },
      { name: 'skip', status: 'RUN', result: 'SKIPPED' },
      { name: 'DISABLED_x', status: 'NOTRUN', result: 'SUPPRESSED' },
    ]
    const report = { testsuites: [{ testsuite: tests.slice(0, 2) }, { testsuite: tests.slice(2) }] }
    expect(countGtest(report)).toEqual({ passed: 1, failed: 1, skipped: 2 })
  })

  it('counts a test file that does not load as one failure', () => {
    const report = {
      numPassedTests: 5,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 1,
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'failed', assertionResults: [{ status: 'failed' }] },
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    }
    expect(countVitest(report)).toEqual({ passed: 5, failed: 2, skipped: 3 })
  })

  it('fails a suite that ran nothing, and one that ended badly without naming a test', () => {
    expect(settled({ passed: 0, failed: 0, skipped: 0 }, 0).failed).toBe(1)
    expect(settled({ passed: 9, failed: 0, skipped: 0 }, 1).failed).toBe(1)
    expect(settled({ passed: 9, failed: 2, skipped: 0 }, 1).failed).toBe(2)
    expect(settled({ passed: 9, failed: 0, skipped: 1 }, 0).failed).toBe(0)
  })

  it('adds up all suites in one line', () => {
    const total = addUp([
      { passed: 1, failed: 3, skipped: 2 },
      { passed: 10, failed: 0, skipped: 0 },
    ])
    expect(totalLine(total)).toBe('total: 11 passed, 3 failed, 2 skipped')
  })
})
