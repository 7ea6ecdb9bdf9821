/** What this machine reaches with nothing but products, or copies, to hold a step against. */
import { callNative, native } from '../native/addon.js'
import type { Precision } from '../native/names.js'
import type { NativeProduct } from '../native/product-rate.js'

/** The product of the widest layer of ViT-B/32, batch 64. */
const WIDEST = { pass: 'forward', rows: 3200, inputs: 768, outputs: 3072 } as const

/** Billions of floating-point operations a second by oneDNN alone, best of several. */
export function productRate(
  precision: Precision,
  shape: Partial<NativeProduct> & { threads: number },
): Promise<number> {
  return callNative(() => native().productRate({ ...WIDEST, ...shape, precision }))
}

/** Billions of bytes a second that a large copy reads and writes. */
export async function memoryRate(threads: number): Promise<number> {
  return (await callNative(() => native().memoryRate(threads))) / 1e9
}
