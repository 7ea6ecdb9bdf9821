/** What of a card's results.json stands in bench/RESULTS.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reportOf, updated } from '../../bench/report-card.mjs'

const results = () => ({
  small: false,
  started: '2026-12-01T10:00:00+00:00',
  clipwright: '0.1.0',
  commit: 'abc',
  machine: {
    cards: [{ name: 'NVIDIA H200', driver_version: '580.65.06', 'power.limit': '700.00' }],
    software: { torch: '2.11.0+cu130', open_clip: '3.3.0' },
    clipwright: { cublasLt: '13.1.0' },
  },
  stages: [
    {
      name: 'conformance',
      status: 'passed',
      passed: 2300,
      failed: 0,
      skipped: 0,
      seconds: 61.2,
      said: ['slow | disk'],
    },
  ],
  steps: [
    {
      what: 'step, ViT-B-32, 1024 pairs, bf16, 20 tokens',
      unit: 'pairsPerSecond',
      rounds: 3,
      clipwright: { pairsPerSecond: 9000, gflops: 300000, peakMiB: 20480, deviceMs: 100, stepMs: 110 },
      open_clip: { pairsPerSecond: 4500 },
      'open_clip compiled': { why: 'out of memory' },
    },
  ],
  losses: [
    {
      what: 'InfoNCE and gradients, 4096 x 512, f32',
      unit: 'ms',
      rounds: 3,
      clipwright: { ms: 2, extraMiB: 64, featuresMiB: 16 },
      open_clip: { ms: 3, extraMiB: 640 },
    },
  ],
  attentions: [],
  profiles: [
    {
      model: 'ViT-B-32',
      batch: 1024,
      ops: [
        { name: 'rows', calls: 1, launches: 1, ms: 1 },
        { name: 'linear', calls: 9, launches: 12, ms: 3 },
      ],
    },
  ],
})

describe('a report', () => {
  it('names the card, the versions and the peers, and divides speeds', () => {
    const report = reportOf(results())
    expect(report).toMatch(
      /^NVIDIA H200; driver 580.65.06; cuBLASLt 13.1.0; torch 2.11.0\+cu130; open_clip 3.3.0; 700.00 W; clipwright 0.1.0 \(abc\); 2026-12-01/,
    )
    expect(report).toContain(
      '| what | unit | clipwright | open_clip | ratio | open_clip compiled | ratio | runs | note |',
    )
    expect(report).toContain(
      '| pairs/s | 9000 | 4500 | 2.00 | out of memory |  | 3 | 300.0 TFLOP/s; 20.0 GiB; 91 % of a step on the card |',
    )
    expect(report).toContain('| ms | 2.00 | 3.00 | 1.50 | 3 | beside features of 16 MiB: 64 MiB, open_clip 640 MiB |')
    expect(report).toContain('| `linear` | 9 | 12 | 3.000 | 75.0 % |\n| `rows` | 1 | 1 | 1.000 | 25.0 % |')
    expect(report).toContain('| conformance | passed | 2300 passed, 0 failed, 0 skipped | 61.2 s | slow \\| disk |')
    expect(report).not.toContain('Attention')
  })

  it('is not written of a rehearsal or of a run that failed', () => {
    expect(() => reportOf({ ...results(), small: true })).toThrow('rehearsal')
    expect(() => reportOf({ ...results(), stages: [{ name: 'bits', status: 'failed' }] })).toThrow('bits')
  })

  it('replaces what stands between the markers of RESULTS.md, and only that', () => {
    const page = readFileSync(join(import.meta.dirname, '../../bench/RESULTS.md'), 'utf8')
    const once = updated(page, '# one')
    const twice = updated(once, '# two')
    expect(twice).toContain('# two')
    expect(twice).not.toContain('# one')
    expect(twice.replace('# two', '# one')).toBe(once)
    expect(() => updated('nothing', 'x')).toThrow('lacks the lines')
  })
})
