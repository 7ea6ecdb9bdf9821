/** Which pairs of ids a byte-pair vocabulary merges: some bytes a pair, where a Map takes a hundred. */

export class MergeRanks {
  /** Of each rank's pair. */
  readonly #left: Uint16Array
  readonly #right: Uint16Array
  /** By hash, ranks plus one; 0 where there is none. */
  readonly #slots: Uint16Array
  #count = 0

  /** @param most how many there may be: fewer than 2^16, as of ids */
  constructor(most: number) {
    this.#left = new Uint16Array(most)
    this.#right = new Uint16Array(most)
    this.#slots = new Uint16Array(2 ** Math.ceil(Math.log2(2 * most + 1)))
  }

  get size(): number {
    return this.#count
  }

  /** The next rank is that of this pair; one that was there already has the new rank. */
  add(left: number, right: number): void {
    const slot = this.#slotOf(left, right)
    this.#left[this.#count] = left
    this.#right[this.#count] = right
    this.#slots[slot] = ++this.#count
  }

  rankOf(left: number, right: number): number | undefined {
    const found = this.#slots[this.#slotOf(left, right)]!
    return found === 0 ? undefined : found - 1
  }

  pairOf(rank: number): [left: number, right: number] {
    return [this.#left[rank]!, this.#right[rank]!]
  }

  /** Where this pair is, or would be. */
  #slotOf(left: number, right: number): number {
    const mask = this.#slots.length - 1
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const rank = this.#slots[slot]! - 1
      if (rank < 0 || (this.#left[rank] === left && this.#right[rank] === right)) return slot
    }
  }
}
