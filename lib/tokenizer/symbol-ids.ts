/** Ids of byte strings, without a string for each: a vocabulary's 49,000 would be most of what a process holds. */

/** FNV-1a, which goes on where another one ended. */
const BASIS = 0x811c9dc5
const PRIME = 0x01000193

/** Bytes `start` to `end` of a text. */
export type Bytes = { text: Uint8Array; start: number; end: number }

export class SymbolIds {
  /** The strings one after another, and where each begins. */
  readonly #bytes: Uint8Array
  readonly #starts: Uint32Array
  /** By hash, ids plus one; 0 where there is none. */
  readonly #slots: Int32Array
  #count = 0

  /** @param most how many there may be, of how many bytes together */
  constructor(most: { strings: number; bytes: number }) {
    this.#bytes = new Uint8Array(most.bytes)
    this.#starts = new Uint32Array(most.strings + 1)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most.strings + 1)))
  }

  /** The next id is that of these parts, put together. One that was there already has the new id. */
  add(...parts: readonly Bytes[]): void {
    const first = this.#starts[this.#count]!
    let at = first
    for (const { text, start, end } of parts) for (let i = start; i < end; i++) this.#bytes[at++] = text[i]!
    const slot = this.#slotOf({ text: this.#bytes, start: first, end: at })
    this.#starts[++this.#count] = at
    this.#slots[slot] = this.#count
  }

  get(bytes: Bytes): number | undefined {
    const found = this.#slots[this.#slotOf(bytes)]!
    return found === 0 ? undefined : found - 1
  }

  /** Where these bytes are, or would be. */
  #slotOf(bytes: Bytes): number {
    const mask = this.#slots.length - 1
    for (let slot = hashOf(bytes) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot]!
      if (found === 0 || this.#equals(found - 1, bytes)) return slot
    }
  }

  #equals(id: number, { text, start, end }: Bytes): boolean {
    const first = this.#starts[id]!
    if (this.#starts[id + 1]! - first !== end - start) return false
    for (let i = start; i < end; i++) if (this.#bytes[first + i - start] !== text[i]) return false
    return true
  }
}

function hashOf({ text, start, end }: Bytes): number {
  let hash = BASIS
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text[i]!, PRIME)
  return hash ^ (hash >>> 15)
}
