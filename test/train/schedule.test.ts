import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  defaultCooldown,
  defaultWarmup,
  fitToBatch,
  isByEpoch,
  learningRate,
  type Schedule,
  type ScheduleKind,
} from '../../lib/train/schedule.js'

type Case = {
  kind: 'cos' | 'step' | 'cosine' | 'const' | 'const-cooldown'
  lr: number
  min_lr?: number
  warmup?: number
  steps?: number
  epochs?: number
  cooldown_steps?: number
  cooldown_power?: number
  cooldown_end_lr?: number
  values: number[]
}
type Fit = { kind: 'lr_range'; batch: number; lr: number; min_lr: number; lr_fit: number; min_lr_fit: number }

const golden = JSON.parse(readFileSync('test/goldens/schedule/cases.json', 'utf8')) as { cases: (Case | Fit)[] }
const isFit = (c: Case | Fit): c is Fit => c.kind === 'lr_range'
const fits = golden.cases.filter(isFit)
const cases = golden.cases.filter((c): c is Case => !isFit(c))
const OURS: Partial<Record<Case['kind'], ScheduleKind>> = { cos: 'epoch-cosine', step: 'epoch-step' }

const NOTHING = { minLr: 0, warmup: 0, cooldown: 0, cooldownPower: 1, steps: 1, epochs: 1 }
const isClose = (got: number, expected: number) => Math.abs(got - expected) <= 1e-12 * Math.abs(expected)

describe('learningRate', () => {
  test('is tested on every kind', () => {
    expect(new Set(cases.map((c) => OURS[c.kind] ?? c.kind)).size).toBe(5)
    expect(fits).toHaveLength(6)
  })

  test.each(cases)('equals $kind, lr $lr, epochs $epochs, warm-up $warmup of $steps', ({ values, ...c }) => {
    const kind = OURS[c.kind] ?? (c.kind as ScheduleKind)
    const schedule: Schedule = {
      ...NOTHING,
      kind,
      lr: c.lr,
      minLr: c.min_lr ?? c.cooldown_end_lr ?? 0,
      warmup: c.warmup ?? 0,
      cooldown: c.cooldown_steps ?? 0,
      cooldownPower: c.cooldown_power ?? 1,
      steps: c.steps ?? 1,
      epochs: c.epochs ?? 1,
    }
    expect(values).toHaveLength(isByEpoch(kind) ? schedule.epochs : schedule.steps)
    for (const [t, expected] of values.entries()) {
      const place = isByEpoch(kind) ? { step: 1000 * t + 7, epoch: t } : { step: t, epoch: 0 }
      const lr = learningRate(schedule, place)
      expect(isClose(lr, expected), `${t}: ${lr} for ${expected}`).toBe(true)
    }
  })

  test('the cosine falls from lr to minLr', () => {
    const schedule: Schedule = { ...NOTHING, kind: 'cosine', lr: 1e-3, minLr: 1e-4, warmup: 4, steps: 104 }
    const at = (step: number) => learningRate(schedule, { step, epoch: 0 })
    expect(at(3)).toBe(1e-3)
    expect(at(4)).toBe(1e-3)
    expect(at(54)).toBeCloseTo(5.5e-4, 12)
    expect(at(104)).toBeCloseTo(1e-4, 12)
  })
})

test.each(fits)('rates fitted to a batch of $batch: $lr becomes $lr_fit', (c) => {
  const { lr, minLr } = fitToBatch({ lr: c.lr, minLr: c.min_lr }, c.batch)
  expect(isClose(lr, c.lr_fit) && isClose(minLr, c.min_lr_fit), `${lr}, ${minLr}`).toBe(true)
})

test('the default warm-up is a twentieth, at most 2,000 steps; the default cool-down a fifth', () => {
  expect([10, 40, 1000, 1_000_000].map(defaultWarmup)).toEqual([0, 2, 50, 2000])
  expect([4, 5, 1000].map(defaultCooldown)).toEqual([0, 1, 200])
})
