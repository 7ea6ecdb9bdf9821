import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chooseHalves } from '../../bench/forgetting/halves.mjs'
import { page, report, withReport } from '../../bench/forgetting/report.mjs'

describe('halves of themes', () => {
  it('are as alike as whole themes allow, the largest first', () => {
    const themes = [7, 7, 7, 7, 3, 3, 3, 5, 5, 9]
    expect(Object.fromEntries(chooseHalves(themes))).toEqual({ 7: 'a', 3: 'b', 5: 'b', 9: 'a' })
  })
})

describe('the table of what was kept', () => {
  const recall = (a: number, b: number) => {
    const side = (x: number) => ({ r_mean: x, chance: { r_mean: 1 }, interval: { r_mean: [x - 2, x + 3] } })
    return { a: side(a), b: side(b) }
  }
  const rows = [
    { kind: 'before', name: 'before', flags: '', steps: 10, recall: recall(80, 20) },
    { kind: 'aid', name: 'nothing', flags: '--lr 1', steps: 5, recall: recall(50, 70) },
  ]
  const half = (pairs: number, held: number) => ({ pairs, held })
  const facts = {
    halves: { a: half(100, 10), b: half(90, 9) },
    machine: { cpu: 'a processor', processors: 2, clipwright: '1.0.0' },
    precision: 'fp32',
    day: new Date('2026-01-02T12:00:00Z'),
  }

  it('says what changed from the model before, and how sure that is', () => {
    const text = report(rows, facts)
    expect(text).toMatch(/\| nothing +\| +`--lr 1` \| +5 \| +50\.0 \| +−30\.0 \| +70\.0 \| +\+50\.0 \|/)
    expect(text).toContain('95 % intervals reach 2.5 to either side at most')
    expect(text).toContain('2026-01-02')
  })

  it('takes its place in the guide, which says nothing else of it', () => {
    const guide = readFileSync(page, 'utf8')
    const written = withReport(guide, report(rows, facts))
    expect(written).toContain('| nothing')
    expect(withReport(written, 'x').replace(/<!-- begin: node bench[\s\S]*end: node bench[^>]*>/, '')).toBe(
      guide.replace(/<!-- begin: node bench[\s\S]*end: node bench[^>]*>/, ''),
    )
  })
})
