/** Memory that pictures are decoded into: whole batches, which are used again once they are given back. */

/** How many batches wait to be used again: a loader has about as many under way. */
const FREE = 4

export class Places {
  readonly #batchSize: number
  readonly #bytes: number
  readonly #free: Uint8Array[] = []

  /** @param bytes of a picture */
  constructor(batchSize: number, bytes: number) {
    this.#batchSize = batchSize
    this.#bytes = bytes
  }

  /** Places that lie in batches one after another. What they hold is to be overwritten. */
  inOrder(): () => Uint8Array {
    let batch = new Uint8Array() as Uint8Array
    let next = this.#batchSize
    return () => {
      if (next === this.#batchSize) [batch, next] = [this.#batch(), 0]
      return batch.subarray(next * this.#bytes, ++next * this.#bytes)
    }
  }

  /**
   * A batch whose pictures nobody reads or writes any more. New memory for each would be zeroed, found page by page and collected,
   * which takes longer than reading pictures that are decoded.
   */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#batchSize * this.#bytes && this.#free.length < FREE)
      this.#free.push(new Uint8Array(buffer))
  }

  #batch(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.#batchSize * this.#bytes)
  }
}
