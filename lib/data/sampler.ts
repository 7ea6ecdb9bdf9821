/** Which sample comes when: pure functions of (seed, epoch), so that a run can go on from any point. */
import { Draws, Stream } from '../base/random.js'

/** The order of an epoch's samples: a permutation of 0 .. count-1 (Fisher-Yates). */
export function epochOrder(count: number, seed: number, epoch: number, stream: Stream = Stream.order): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  const draws = new Draws(seed, stream, epoch, 0)
  for (let i = count - 1; i > 0; i--) {
    const j = draws.below(i + 1)
    const moved = order[i] as number
    order[i] = order[j] as number
    order[j] = moved
  }
  return order
}

/** Which of a picture's captions this epoch takes. */
export function captionOf(captions: readonly string[], seed: number, epoch: number, index: number): string {
  if (captions.length === 1) return captions[0] as string
  return captions[new Draws(seed, Stream.caption, epoch, index).below(captions.length)] as string
}

/** Where a run stands: the next place in the epoch's order. */
export type Cursor = { epoch: number; position: number }
