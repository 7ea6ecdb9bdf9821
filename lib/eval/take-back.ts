/** How much of a model is rounded: as much as recall allows. */
import { ClipwrightError } from '../base/errors.js'

/**
 * Takes layers back one by one until recall is at most `maxDrop` below what it was.
 * @param ways `before`: recall in percent of the weights as they were; `measure`: of the model as it is now; `order`: of its
 *   rounded layers, asked for when one is needed; `keep` takes one back
 * @returns recall then
 * @throws ClipwrightError ERR_UNSUPPORTED when it is not enough with all of them taken back
 */
export async function takeBack(ways: {
  before: number
  maxDrop: number
  measure: () => Promise<number>
  order: () => Promise<string[]>
  keep: (layer: string) => Promise<void>
}): Promise<number> {
  const { before, maxDrop, measure, order, keep } = ways
  let layers: string[] | undefined
  for (;;) {
    const after = await measure()
    if (before - after <= maxDrop) return after
    layers ??= await order()
    const next = layers.shift()
    if (next === undefined) {
      const message = `In 8 bits r_mean falls from ${before.toFixed(2)} to ${after.toFixed(2)}, by more than ${maxDrop} percentage points, with every layer taken back to bf16; nothing was written. Allow a larger drop, or stay with bf16.`
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    await keep(next)
  }
}
