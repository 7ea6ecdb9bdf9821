/** What oneDNN alone reaches here, to hold a step against: the product of the widest layer of ViT-B/32, batch 64. */
import { callNative, native } from '../native/addon.js'
import type { Precision } from '../native/names.js'

/** Billions of floating-point operations a second, best of several. */
export function productRate(precision: Precision): Promise<number> {
  return callNative(() => native().productRate(precision))
}
