/** Pictures of a batch at another size, which are decoded beside it and wait until it is put together. */
import type { Pixels } from '../base/types.js'

export class OtherPictures {
  readonly #size: number
  /** By epoch and sample. */
  readonly #waiting = new Map<number, Map<number, Uint8Array>>()

  constructor(size: number) {
    this.#size = size
  }

  keep(epoch: number, index: number, pixels: Uint8Array): void {
    const ofEpoch = this.#waiting.get(epoch) ?? new Map<number, Uint8Array>()
    this.#waiting.set(epoch, ofEpoch.set(index, pixels))
  }

  /** Those of a batch, whose samples these are. What earlier epochs had left of no batch goes. */
  take(epoch: number, indices: Int32Array): Pixels {
    for (const before of this.#waiting.keys()) if (before < epoch) this.#waiting.delete(before)
    const ofEpoch = this.#waiting.get(epoch) as Map<number, Uint8Array>
    const side = this.#size
    const one = side * side * 3
    const data = new Uint8Array(indices.length * one)
    for (const [i, index] of indices.entries()) {
      data.set(ofEpoch.get(index) as Uint8Array, i * one)
      ofEpoch.delete(index)
    }
    return { shape: [indices.length, side, side, 3], data }
  }
}
