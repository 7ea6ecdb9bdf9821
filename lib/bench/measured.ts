/** Calls that are timed, and what several of them say together. */
import { performance } from 'node:perf_hooks'

/** Milliseconds of the fastest, and of the one in the middle. */
export type Times = { bestMs: number; medianMs: number; runs: number }

/** At least this many, for at least so long. */
const LEAST_RUNS = 3

/**
 * Calls one after the other, after one that warms up, for at least so many seconds.
 * @returns of single calls
 */
export async function timesOf(call: () => unknown, seconds: number): Promise<Times> {
  await call()
  const all: number[] = []
  const end = performance.now() + 1000 * seconds
  while (all.length < LEAST_RUNS || performance.now() < end) {
    const begin = performance.now()
    await call()
    all.push(performance.now() - begin)
  }
  return { bestMs: Math.min(...all), medianMs: median(all), runs: all.length }
}

/** The upper one of the two in the middle, where there are two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

/** Of the whole process so far. */
export const peakRssMiB = () => process.resourceUsage().maxRSS / 1024
