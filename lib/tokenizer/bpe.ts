/** Byte-pair encoding with end-of-word marks (Sennrich et al., https://arxiv.org/abs/1508.07909), as CLIP uses it. */
import { ClipwrightError } from '../base/errors.js'
import { ID_OF_BYTE, SYMBOL_OF_ID } from './byte-alphabet.js'
import { mergePairs } from './merge-pairs.js'
import { MergeRanks } from './merge-ranks.js'
import { SymbolIds } from './symbol-ids.js'

const END_OF_WORD = '</w>'

/** Ids: 256 bytes, 256 bytes that end a word, then one for each merge in order of rank. */
const BYTES: readonly string[] = [...SYMBOL_OF_ID, ...SYMBOL_OF_ID.map((symbol) => symbol + END_OF_WORD)]
const FIRST_MERGE = BYTES.length

const [LINE_END, SPACE] = [0x0a, 0x20]

export class BytePairEncoder {
  readonly #ranks: MergeRanks

  /**
   * @param merges one "left right" a line after a title line, most frequent first, in UTF-8
   * @param count how many of them belong to the vocabulary
   * @throws ClipwrightError ERR_FORMAT when a line is missing or merges what no earlier line made
   */
  constructor(merges: Uint8Array, count: number) {
    const ids = new SymbolIds({ strings: FIRST_MERGE + count, bytes: merges.length + 8 * FIRST_MERGE })
    for (const symbol of BYTES) {
      const text = Buffer.from(symbol)
      ids.add({ text, start: 0, end: text.length })
    }
    this.#ranks = new MergeRanks(count)
    let lineStart = merges.indexOf(LINE_END) + 1
    for (let rank = 0; rank < count; rank++) {
      const lineEnd = merges.indexOf(LINE_END, lineStart)
      const space = merges.indexOf(SPACE, lineStart)
      const left = { text: merges, start: lineStart, end: space }
      const right = { text: merges, start: space + 1, end: lineEnd }
      const leftId = ids.get(left)
      const rightId = ids.get(right)
      if (lineEnd < 0 || leftId === undefined || rightId === undefined) {
        throw new ClipwrightError(
          'ERR_FORMAT',
          `The vocabulary's merge ${rank + 1} of ${count} is not two known symbols; the file is damaged, so reinstall the package.`,
        )
      }
      this.#ranks.add(leftId, rightId)
      ids.add(left, right)
      lineStart = lineEnd + 1
    }
  }

  /** How many ids there are. */
  get size(): number {
    return FIRST_MERGE + this.#ranks.size
  }

  /** An id's text in byte stand-ins, `</w>` at the end of words. */
  symbolOf(id: number): string | undefined {
    if (id < FIRST_MERGE) return BYTES[id]
    if (!(Number.isInteger(id) && id < this.size)) return undefined
    const [left, right] = this.#ranks.pairOf(id - FIRST_MERGE)
    return `${this.symbolOf(left)}${this.symbolOf(right)}`
  }

  /** Each id's. */
  get symbols(): string[] {
    return Array.from({ length: this.size }, (_, id) => this.symbolOf(id)!)
  }

  /** The merges, "left right" each, most frequent first. */
  get merges(): string[] {
    return Array.from({ length: this.#ranks.size }, (_, rank) => {
      const [left, right] = this.#ranks.pairOf(rank)
      return `${this.symbolOf(left)} ${this.symbolOf(right)}`
    })
  }

  /**
   * Ids of one word, given as its UTF-8 bytes (at least one). A merge's parts are older than itself, so a new pair never
   * outranks those still waiting and the queue gives what rescanning the word after each merge would.
   */
  encodeWord(bytes: Uint8Array): number[] {
    const ids = Int32Array.from(bytes, (byte) => ID_OF_BYTE[byte]!)
    ids[bytes.length - 1]! += 256
    const rankOf = (left: number, right: number) => this.#ranks.rankOf(left, right)
    return mergePairs(ids, rankOf, (rank) => FIRST_MERGE + rank)
  }
}
