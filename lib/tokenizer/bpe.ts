/** Byte-pair encoding with end-of-word marks (Sennrich et al., https://arxiv.org/abs/1508.07909), as CLIP uses it. */
import { ClipwrightError } from '../base/errors.js'
import { ID_OF_BYTE, SYMBOL_OF_ID } from './byte-alphabet.js'

const END_OF_WORD = '</w>'

/** Ids: 256 bytes, 256 bytes that end a word, then one for each merge in order of rank. */
const FIRST_MERGE = 512

/** One number for two ids. */
const pairKey = (left: number, right: number) => left * 0x10000 + right

export class BytePairEncoder {
  /** Each id's text in byte stand-ins, `</w>` at the end of words. */
  readonly symbols: string[]
  readonly #ranks = new Map<number, number>()

  /**
   * @param merges one "left right" a line after a title line, most frequent first
   * @param count how many of them belong to the vocabulary
   * @throws ClipwrightError ERR_FORMAT when a line is missing or merges what no earlier line made
   */
  constructor(merges: string, count: number) {
    this.symbols = [...SYMBOL_OF_ID, ...SYMBOL_OF_ID.map((symbol) => symbol + END_OF_WORD)]
    const ids = new Map(this.symbols.map((symbol, id) => [symbol, id]))
    let lineStart = merges.indexOf('\n') + 1
    for (let rank = 0; rank < count; rank++) {
      const lineEnd = merges.indexOf('\n', lineStart)
      const space = merges.indexOf(' ', lineStart)
      const left = merges.slice(lineStart, space)
      const right = merges.slice(space + 1, lineEnd)
      const leftId = ids.get(left)
      const rightId = ids.get(right)
      if (lineEnd < 0 || leftId === undefined || rightId === undefined) {
        throw new ClipwrightError(
          'ERR_FORMAT',
          `The vocabulary's merge ${rank + 1} of ${count} is not two known symbols; the file is damaged, so reinstall the package.`,
        )
      }
      const merged = left + right
      this.#ranks.set(pairKey(leftId, rightId), rank)
      ids.set(merged, FIRST_MERGE + rank)
      this.symbols.push(merged)
      lineStart = lineEnd + 1
    }
  }

  /** The merges, "left right" each, most frequent first. */
  get merges(): string[] {
    // A map keeps its keys in the order in which they came.
    return Array.from(this.#ranks.keys(), (key) => {
      const right = key % 0x10000
      return `${this.symbols[(key - right) / 0x10000]} ${this.symbols[right]}`
    })
  }

  /**
   * Ids of one word, given as its UTF-8 bytes (at least one). Always the adjacent pair of lowest rank merges first,
   * the leftmost of equals. A merge's parts are older than itself, so a new pair never outranks those still waiting
   * and a queue gives what rescanning the word after each merge would, in n·log n.
   */
  encodeWord(bytes: Uint8Array): number[] {
    const n = bytes.length
    const ids = Int32Array.from(bytes, (byte) => ID_OF_BYTE[byte]!)
    ids[n - 1]! += 256
    const next = Int32Array.from(ids, (_, i) => i + 1)
    const previous = Int32Array.from(ids, (_, i) => i - 1)
    const queue = new MinQueue()
    const rankAt = (i: number) => this.#ranks.get(pairKey(ids[i]!, ids[next[i]!]!))
    const offer = (i: number) => {
      if (i < 0 || next[i]! >= n) return
      const rank = rankAt(i)
      if (rank !== undefined) queue.push(rank * POSITIONS + i)
    }
    for (let i = 0; i < n; i++) offer(i)
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      const i = entry % POSITIONS
      const rank = (entry - i) / POSITIONS
      const swallowed = next[i]!
      // An earlier merge may have taken either half.
      if (ids[i] === GONE || swallowed >= n || rankAt(i) !== rank) continue
      ids[i] = FIRST_MERGE + rank
      ids[swallowed] = GONE
      next[i] = next[swallowed]!
      if (next[i]! < n) previous[next[i]!] = i
      offer(previous[i]!)
      offer(i)
    }
    const tokens: number[] = []
    for (let i = 0; i < n; i = next[i]!) tokens.push(ids[i]!)
    return tokens
  }
}

const GONE = -1

/** More positions than a string has bytes; a rank times this stays an exact double. */
const POSITIONS = 2 ** 32

/** A binary heap of numbers. */
class MinQueue {
  readonly #heap: number[] = []

  push(value: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]! <= value) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = value
  }

  pop(): number | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}
