import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { defaultWarmup, learningRate, type Schedule } from '../../lib/train/schedule.js'

type Case = { kind: 'cosine' | 'const'; lr: number; warmup: number; steps: number; values: number[] }
const { cases } = JSON.parse(readFileSync('test/goldens/schedule/cases.json', 'utf8')) as { cases: Case[] }

describe('learningRate', () => {
  test.each(cases)('equals open_clip: $kind, lr $lr, warm-up $warmup of $steps', ({ values, ...c }) => {
    expect(values).toHaveLength(c.steps)
    for (const [step, expected] of values.entries()) {
      const lr = learningRate({ ...c, minLr: 0 }, step)
      expect(Math.abs(lr - expected)).toBeLessThanOrEqual(1e-12 * expected)
    }
  })

  test('the cosine falls from lr to minLr', () => {
    const schedule: Schedule = { kind: 'cosine', lr: 1e-3, minLr: 1e-4, warmup: 4, steps: 104 }
    expect(learningRate(schedule, 3)).toBe(1e-3)
    expect(learningRate(schedule, 4)).toBe(1e-3)
    expect(learningRate(schedule, 54)).toBeCloseTo(5.5e-4, 12)
    expect(learningRate(schedule, 104)).toBeCloseTo(1e-4, 12)
  })
})

test('the default warm-up is a twentieth, at most 2,000 steps', () => {
  expect([10, 40, 1000, 1_000_000].map(defaultWarmup)).toEqual([0, 2, 50, 2000])
})
