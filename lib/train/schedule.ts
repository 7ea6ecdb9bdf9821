/** Learning rates as a function of where a run stands. */

/** How the learning rate goes: the first three change it with each step, the others once an epoch. */
export type ScheduleKind = 'cosine' | 'const' | 'const-cooldown' | 'epoch-cosine' | 'epoch-step'
export const SCHEDULES: ScheduleKind[] = ['cosine', 'const', 'const-cooldown', 'epoch-cosine', 'epoch-step']

export type Schedule = {
  kind: ScheduleKind
  /** The highest rate. */
  lr: number
  /** The lowest, which all but `const` end at. */
  minLr: number
  /** Steps of linear warm-up: step t of them has lr·(t + 1) / warmup. Schedules by epoch have one of their own. */
  warmup: number
  /** The last steps, in which `const-cooldown` falls. */
  cooldown: number
  /** 1: it falls linearly. */
  cooldownPower: number
  /** Steps of the whole run, warm-up included. */
  steps: number
  /** Epochs of the whole run. */
  epochs: number
}

/** Both counted from 0. */
export type Place = { step: number; epoch: number }

export function isByEpoch(kind: ScheduleKind): boolean {
  return kind === 'epoch-cosine' || kind === 'epoch-step'
}

/**
 * The learning rate at one place of a run. `cosine`, `const` and `const-cooldown` are open_clip's `cosine_lr`, `const_lr`
 * and `const_lr_cooldown` (src/open_clip_train/scheduler.py), with the cosine's end raised from 0 to `minLr`;
 * `epoch-cosine` and `epoch-step` are explained below.
 */
export function learningRate(s: Schedule, { step, epoch }: Place): number {
  if (s.kind === 'epoch-cosine') return epochCosine(s, epoch)
  if (s.kind === 'epoch-step') return epochStep(s, epoch)
  if (step < s.warmup) return (s.lr * (step + 1)) / s.warmup
  if (s.kind === 'const') return s.lr
  if (s.kind === 'const-cooldown') return cooledDown(s, step)
  return s.minLr + halfCosine((step - s.warmup) / (s.steps - s.warmup)) * (s.lr - s.minLr)
}

/** From 1 at 0 to 0 at 1. */
function halfCosine(progress: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * progress))
}

function cooledDown({ lr, minLr, cooldown, cooldownPower, steps }: Schedule, step: number): number {
  const start = steps - cooldown
  if (step < start) return lr
  return (1 - (step - start) / cooldown) ** cooldownPower * (lr - minLr) + minLr
}

/**
 * Epoch t of T: over w = min(max(0.1·T, 1), 3) epochs quadratic from lr₀ = max(lr / 10, 1e-6) up to lr,
 * lr₀ + (lr − lr₀)·(t / w)²; half a cosine down to minLr; minLr over the last min(max(0.3·T, 1), 15) epochs.
 * Source: `yolox_warm_cos_lr` of YOLOX (https://arxiv.org/abs/2107.08430) as the reference has it, once an epoch.
 */
function epochCosine({ lr, minLr, epochs }: Schedule, t: number): number {
  const warm = Math.min(Math.max(0.1 * epochs, 1), 3)
  const flat = Math.min(Math.max(0.3 * epochs, 1), 15)
  const start = Math.max(0.1 * lr, 1e-6)
  if (t <= warm) return (lr - start) * (t / warm) ** 2 + start
  if (t >= epochs - flat) return minLr
  return minLr + halfCosine((t - warm) / (epochs - warm - flat)) * (lr - minLr)
}

/** Ten levels of T / 10 epochs each, from lr geometrically down to minLr: lr·(minLr / lr)^(n / 9), n = ⌊t / (T / 10)⌋. */
function epochStep({ lr, minLr, epochs }: Schedule, t: number): number {
  const each = epochs / 10
  // Without the rounding of t / each: 13 / 2.6 is 5 in doubles, though 2.6 is a little more than its tenths.
  const level = Math.round((t - (t % each)) / each)
  return lr * ((minLr / lr) ** (1 / 9)) ** level
}

/** The lowest rate where none is asked for: by epoch a hundredth of the highest, else 0. */
export function lowestRate({ schedule, lr }: { schedule: ScheduleKind; lr: number }): number {
  return isByEpoch(schedule) ? lr / 100 : 0
}

/** Warm-up where none is asked for: a twentieth of the run, 2,000 steps at most. */
export function defaultWarmup(steps: number): number {
  return Math.min(2000, Math.floor(steps / 20))
}

/** Cool-down where none is asked for: the last fifth (https://arxiv.org/abs/2405.18392 finds 10 to 20 % to be enough). */
export function defaultCooldown(steps: number): number {
  return Math.floor(steps / 5)
}

/**
 * Rates for a batch other than 64, as the reference fits them: scaled in proportion, the highest kept within
 * [3e-5, 1e-4] and the lowest within a hundredth of that.
 */
export function fitToBatch({ lr, minLr }: { lr: number; minLr: number }, batchSize: number) {
  const fit = (rate: number, low: number, high: number) => Math.min(Math.max((batchSize / 64) * rate, low), high)
  return { lr: fit(lr, 3e-5, 1e-4), minLr: fit(minLr, 3e-7, 1e-6) }
}
