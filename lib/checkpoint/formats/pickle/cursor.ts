/** Reads a pickle's bytes from front to back. */

/** The bytes ended before the pickle did. */
export class EndOfBytes extends Error {}

export class Cursor {
  position: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes
    this.position = position
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.#take(4))
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  /** Above 2^53 it is not exact, and longer than any file. */
  uint64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)))
  }

  /** Big-endian, as pickles have it. */
  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8))
  }

  bytes(length: number): Buffer {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Up to a line feed, which is skipped. */
  line(): Buffer {
    const end = this.#bytes.indexOf(0x0a, this.position)
    if (end < 0) throw new EndOfBytes()
    const line = this.bytes(end - this.position)
    this.position++
    return line
  }

  #take(length: number): number {
    const start = this.position
    if (length > this.#bytes.length - start) throw new EndOfBytes()
    this.position = start + length
    return start
  }
}
