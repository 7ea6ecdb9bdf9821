/** WordPiece (https://arxiv.org/abs/1609.08144, section 4.1): words to the longest pieces that a vocabulary has. */
import { ClipwrightError } from '../base/errors.js'

/** What marks a piece that goes on inside a word. */
export const CONTINUED = '##'

/** Characters of the longest word that is looked at; longer ones are unknown. */
export const LONGEST_WORD = 100

export const SPECIAL_PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const
export type SpecialPiece = (typeof SPECIAL_PIECES)[number]

export class WordPieces {
  /** Pieces by id. */
  readonly pieces: readonly string[]
  readonly #ids: ReadonlyMap<string, number>
  /** UTF-16 units of the longest piece. */
  readonly #longest: number

  /**
   * @param vocabulary one piece a line, in the order of their ids; a piece that comes twice has the later id, as in transformers
   * @param where the file, for messages
   * @throws ClipwrightError ERR_FORMAT when a special piece is missing
   */
  constructor(vocabulary: string, where: string) {
    // Only at \n: U+2028 is a piece of the Chinese vocabulary.
    const lines = vocabulary.replace(/\n$/, '').split('\n')
    this.pieces = lines.map((line) => line.replace(/\r$/, ''))
    this.#ids = new Map(this.pieces.map((piece, id) => [piece, id]))
    this.#longest = this.pieces.reduce((longest, piece) => Math.max(longest, piece.length), 0)
    const missing = SPECIAL_PIECES.filter((piece) => !this.#ids.has(piece))
    if (missing.length > 0) {
      throw new ClipwrightError(
        'ERR_FORMAT',
        `expected a WordPiece vocabulary in ${where}, one piece a line, but it has no ${missing.join(', ')}; give the vocab.txt of a BERT model.`,
      )
    }
  }

  idOf(piece: SpecialPiece): number {
    return this.#ids.get(piece)!
  }

  /** Ids of one word: always the longest piece that fits, from the left; [UNK] for the whole word when none fits. */
  encodeWord(word: string): number[] {
    if (word.length > LONGEST_WORD && [...word].length > LONGEST_WORD) return [this.idOf('[UNK]')]
    return longestPieces(word, this.#ids, this.#longest, CONTINUED) ?? [this.idOf('[UNK]')]
  }
}

/**
 * Ids of a word's pieces, from the left always the longest that fits; undefined when none does.
 * @param longest UTF-16 units of the longest piece
 * @param continued what marks a piece that goes on inside a word
 */
export function longestPieces(
  word: string,
  idOf: ReadonlyMap<string, number>,
  longest: number,
  continued: string,
): number[] | undefined {
  const ids: number[] = []
  for (let start = 0; start < word.length; ) {
    const prefix = start > 0 ? continued : ''
    let end = Math.min(word.length, start + longest)
    let id: number | undefined
    for (; end > start; end--) {
      id = idOf.get(prefix + word.slice(start, end))
      if (id !== undefined) break
    }
    if (id === undefined) return undefined
    ids.push(id)
    start = end
  }
  return ids
}
