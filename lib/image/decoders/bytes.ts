/** Reading a file's bytes in order, never past its end. Numbers have their lowest byte first. */
export class Bytes {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  get at(): number {
    return this.#at
  }

  /** @throws Error when the file ends before */
  take(count: number): Uint8Array {
    if (count > this.#data.length - this.#at) throw new Error('it is cut short')
    this.#at += count
    return this.#data.subarray(this.#at - count, this.#at)
  }

  skip(count: number): void {
    this.take(count)
  }

  u8(): number {
    return this.take(1)[0]!
  }

  u16(): number {
    const [low, high] = this.take(2)
    return low! | (high! << 8)
  }

  u32(): number {
    return this.u16() + this.u16() * 65536
  }

  i32(): number {
    return this.u32() | 0
  }
}
