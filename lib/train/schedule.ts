/** Learning rates as a function of the step, counted from 0. */

export type ScheduleKind = 'cosine' | 'const'
export type Schedule = {
  kind: ScheduleKind
  /** The highest rate, reached at the end of the warm-up. */
  lr: number
  /** What the cosine ends at; `const` ignores it. */
  minLr: number
  /** Steps of linear warm-up: step t of them has lr·(t + 1) / warmup. */
  warmup: number
  /** Steps of the whole run, warm-up included. */
  steps: number
}

/**
 * The learning rate of one step: open_clip's `cosine_lr` and `const_lr` (src/open_clip_train/scheduler.py), with the
 * cosine's end raised from 0 to `minLr`.
 */
export function learningRate(s: Schedule, step: number): number {
  if (step < s.warmup) return (s.lr * (step + 1)) / s.warmup
  if (s.kind === 'const') return s.lr
  const progress = (step - s.warmup) / (s.steps - s.warmup)
  return s.minLr + 0.5 * (1 + Math.cos(Math.PI * progress)) * (s.lr - s.minLr)
}

/** Warm-up where none is asked for: a twentieth of the run, 2,000 steps at most. */
export function defaultWarmup(steps: number): number {
  return Math.min(2000, Math.floor(steps / 20))
}
