/** Long loops over pixels that leave the event loop its turns. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** About three milliseconds of simple work on a pixel. */
const PIXELS = 1 << 18

/** Calls `work` with parts of 0 .. count, and lets others run in between. */
export async function inTurns(count: number, work: (from: number, to: number) => void, step = PIXELS): Promise<void> {
  for (let from = 0; from < count; from += step) {
    if (from > 0) await nextTurn()
    work(from, Math.min(from + step, count))
  }
}
