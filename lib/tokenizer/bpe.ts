/** Byte-pair encoding with end-of-word marks (Sennrich et al., https://arxiv.org/abs/1508.07909), as CLIP uses it. */
import { ClipwrightError } from '../base/errors.js'
import { ID_OF_BYTE, SYMBOL_OF_ID } from './byte-alphabet.js'
import { mergePairs } from './merge-pairs.js'

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
   * Ids of one word, given as its UTF-8 bytes (at least one). A merge's parts are older than itself, so a new pair never
   * outranks those still waiting and the queue gives what rescanning the word after each merge would.
   */
  encodeWord(bytes: Uint8Array): number[] {
    const ids = Int32Array.from(bytes, (byte) => ID_OF_BYTE[byte]!)
    ids[bytes.length - 1]! += 256
    const rankOf = (left: number, right: number) => this.#ranks.get(pairKey(left, right))
    return mergePairs(ids, rankOf, (rank) => FIRST_MERGE + rank)
  }
}
