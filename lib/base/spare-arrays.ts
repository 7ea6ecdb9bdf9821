/** Memory for large values that are copied again and again: a new array would be as much again, until it is collected. */
export class SpareArrays {
  readonly #arrays = new Map<string, Float32Array>()
  readonly #beside = new Map<string, SpareArrays>()

  /** The array of this name, with what it held before. Whoever asks for it has it until nobody reads it any more. */
  of(name: string, count: number): Float32Array {
    const known = this.#arrays.get(name)
    if (known?.length === count) return known
    const array = new Float32Array(count)
    this.#arrays.set(name, array)
    return array
  }

  /** Others, whose names do not meet with these. */
  beside(name: string): SpareArrays {
    const known = this.#beside.get(name) ?? new SpareArrays()
    this.#beside.set(name, known)
    return known
  }
}
