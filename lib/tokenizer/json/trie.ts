/** Pieces of a vocabulary by their characters, in a few arrays: a million pieces as objects would take gigabytes. */

const EMPTY = -1

export class Trie {
  /** A hash table of edges, from a node by a UTF-16 unit to a node. Its length is a power of two. */
  #from = new Int32Array(1 << 12).fill(EMPTY)
  #units = new Uint16Array(1 << 12)
  #to = new Int32Array(1 << 12)
  /** Of pieces that end at nodes. The root is 0. */
  #ids = new Int32Array(1 << 12).fill(EMPTY)
  #nodes = 1

  add(piece: string, id: number): void {
    let node = 0
    for (let i = 0; i < piece.length; i++) node = this.#grow(node, piece.charCodeAt(i))
    this.#ids[node] = id
  }

  /** @returns the node that lies behind the unit, or -1 */
  step(node: number, unit: number): number {
    const slot = this.#slotOf(node, unit)
    return this.#from[slot] === EMPTY ? EMPTY : this.#to[slot]!
  }

  /** @returns the id of the piece that ends at a node, or -1 */
  idAt(node: number): number {
    return this.#ids[node]!
  }

  #grow(node: number, unit: number): number {
    const slot = this.#slotOf(node, unit)
    if (this.#from[slot] !== EMPTY) return this.#to[slot]!
    const made = this.#nodes++
    this.#from[slot] = node
    this.#units[slot] = unit
    this.#to[slot] = made
    // Half full at most.
    if (2 * this.#nodes > this.#from.length) this.#widen()
    return made
  }

  #slotOf(node: number, unit: number): number {
    const mask = this.#from.length - 1
    const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)
    let slot = (mixed ^ (mixed >>> 15)) & mask
    while (this.#from[slot] !== EMPTY && (this.#from[slot] !== node || this.#units[slot] !== unit)) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  #widen(): void {
    const [from, units, to] = [this.#from, this.#units, this.#to]
    const length = 2 * from.length
    this.#from = new Int32Array(length).fill(EMPTY)
    this.#units = new Uint16Array(length)
    this.#to = new Int32Array(length)
    for (let i = 0; i < from.length; i++) {
      if (from[i] === EMPTY) continue
      const slot = this.#slotOf(from[i]!, units[i]!)
      this.#from[slot] = from[i]!
      this.#units[slot] = units[i]!
      this.#to[slot] = to[i]!
    }
    const ids = new Int32Array(length).fill(EMPTY)
    ids.set(this.#ids)
    this.#ids = ids
  }
}
