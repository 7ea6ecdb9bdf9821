/**
 * Counter-based random numbers, bit for bit those of native/core/philox.h: a draw is a pure function of its arguments,
 * so neither the number of workers nor the order in which they finish changes it.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), Philox4x32-10.
 */

/** What a draw is for; draws of different kinds are independent. Patches are drawn in the core (engine/patch_dropout.cpp). */
export const Stream = {
  order: 1,
  caption: 2,
  augment: 3,
  bootstrap: 4,
  patches: 5,
  shots: 6,
  mixing: 7,
  resampling: 8,
} as const
export type Stream = (typeof Stream)[keyof typeof Stream]

const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85

/** The upper 32 bits of a product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0
}

/** Philox4x32-10 of a counter of four words under a key of two. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  return Uint32Array.of(c0, c1, c2, c3)
}

/** Uniform numbers in (0, 1), one after another, for one sample of one epoch. */
export class Draws {
  readonly #key: [number, number]
  readonly #stream: Stream
  readonly #epoch: number
  readonly #index: number
  #block = 0
  #left: Uint32Array = new Uint32Array(0)

  /** @param seed a whole number of at least 0 */
  constructor(seed: number, stream: Stream, epoch: number, index: number) {
    this.#key = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0]
    this.#stream = stream
    this.#epoch = epoch
    this.#index = index
  }

  /** 23 random bits and a half: never 0, never 1. */
  next(): number {
    if (this.#left.length === 0) {
      this.#left = philox([this.#index, this.#block, this.#stream, this.#epoch], this.#key)
      this.#block++
    }
    const bits = this.#left[0] as number
    this.#left = this.#left.subarray(1)
    return ((bits >>> 9) + 0.5) * 2 ** -23
  }

  /** A whole number in 0 .. count-1. */
  below(count: number): number {
    // One draw has 23 bits: of more numbers than that, some would never come.
    const at = count <= 2 ** 23 ? this.next() : (Math.floor(this.next() * 2 ** 23) + this.next()) * 2 ** -23
    return Math.min(count - 1, Math.floor(at * count))
  }
}
