/** Steps timed as training runs them: one after the other, or with one ahead where the device works beside the host. */
import { performance } from 'node:perf_hooks'

export type StepTimes = {
  /** Milliseconds from the end of one step to the end of the next, for each that is measured. */
  intervals: number[]
  /** Milliseconds of the device's work, for each that is measured; none where nobody counts them. */
  deviceMs: number[]
  /** Milliseconds of steps that had nothing before or after them; none where all are like that. */
  alone: number[]
}

type Step = () => Promise<{ deviceMs?: number }>

/** A step's list of commands is run, then made a graph, then launched as one; and that in both halves of the staging. */
const WARM_UP = 5
const ALONE = 3

/** @param ahead whether a step begins before the one before it has ended */
export function timeSteps(step: Step, steps: number, ahead: boolean): Promise<StepTimes> {
  return ahead ? withOneAhead(step, steps) : oneByOne(step, steps)
}

async function oneByOne(step: Step, steps: number): Promise<StepTimes> {
  await step()
  const intervals: number[] = []
  for (let i = 0; i < steps; i++) intervals.push(await timed(step))
  return { intervals, deviceMs: [], alone: [] }
}

async function withOneAhead(step: Step, steps: number): Promise<StepTimes> {
  const times: StepTimes = { intervals: [], deviceMs: [], alone: [] }
  let underWay = step()
  let ended = 0
  for (let i = 0; i < WARM_UP + steps; i++) {
    const next = step() // also behind the last that is measured: it ends as all others do
    next.catch(() => {}) // its failure is seen when its turn comes, or not at all
    const { deviceMs } = await underWay
    const now = performance.now()
    if (i >= WARM_UP) {
      times.intervals.push(now - ended)
      if (deviceMs !== undefined) times.deviceMs.push(deviceMs)
    }
    ended = now
    underWay = next
  }
  await underWay
  for (let i = 0; i < ALONE; i++) times.alone.push(await timed(step))
  return times
}

async function timed(step: Step): Promise<number> {
  const begin = performance.now()
  await step()
  return performance.now() - begin
}
