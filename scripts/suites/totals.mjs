// Counting tests: what the runners' reports say, added up.

/** Counts of a GoogleTest program's JSON report. */
export function countGtest(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const test of report.testsuites.flatMap(({ testsuite }) => testsuite)) {
    if (test.failures) counts.failed++
    else if (test.result === 'COMPLETED') counts.passed++
    else counts.skipped++
  }
  return counts
}

/** Counts of vitest's JSON report. A file that could not be loaded counts as one failure: it names no tests. */
export function countVitest(report) {
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** A runner that found nothing to run, or that failed without naming a test, has failed once. */
export function settled(counts, exitCode) {
  const silent = counts.failed === 0 && (exitCode !== 0 || counts.passed + counts.skipped === 0)
  return silent ? { ...counts, failed: 1 } : counts
}

export function addUp(results) {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
}

export const totalLine = ({ passed, failed, skipped }) =>
  `total: ${passed} passed, ${failed} failed, ${skipped} skipped`
