/** BERT's tokenizer, id for id as transformers' `BertTokenizer`. */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { readTextFile } from '../files/text.js'
import { bertWords, characterKind } from './bert-words.js'
import {
  checkText,
  type Framing,
  type PackedTexts,
  packBatch,
  padRows,
  requireMade,
  symbolsOf,
  type TokenBatch,
  type Tokenizer,
} from './tokenizer.js'
import { WordCache } from './word-cache.js'
import { CONTINUED, SPECIAL_PIECES, WordPieces } from './wordpiece.js'

const CHINESE = fileURLToPath(new URL('./vocab/bert-base-chinese.txt', import.meta.url))

/** Special pieces stand for themselves inside a text, as transformers has it. */
const SPECIAL = new RegExp(`(${SPECIAL_PIECES.map((piece) => piece.replace(/[[\]]/g, '\\$&')).join('|')})`)

const Options = z.strictObject({
  lowerCase: z.boolean().default(true),
  vocab: z.union([z.string().min(1), z.instanceof(URL)], { error: 'expected the path of a vocab.txt' }).optional(),
})

/** How texts are cleaned and spelled. */
export type BertTokenizerOptions = {
  /** Lower case, and no accents; true by default. bert-base-chinese is published with false, which makes capitals unknown. */
  lowerCase?: boolean
  /** A vocab.txt: one piece a line. The Chinese one of bert-base-chinese and Chinese-CLIP, 21128 pieces, by default. */
  vocab?: string | URL
}

/** What a UTF-16 unit means: 0 is not known yet; one of these; or SHIFT and the id of a character that is a word by itself. */
const PART_OF_WORD = -1
const GAP = -2
const SHIFT = 1

let chinese: Promise<WordPieces> | undefined

/** The Chinese vocabulary is read once a process, at the first use. */
function loadChinese(): Promise<WordPieces> {
  chinese ??= readVocabulary(CHINESE, 'it is part of the package, so reinstall it').catch((error: unknown) => {
    chinese = undefined
    throw error
  })
  return chinese
}

async function readVocabulary(path: string | URL, advice: string): Promise<WordPieces> {
  const describe = (reason: string) => `the WordPiece vocabulary could not be read from ${path} (${reason}); ${advice}.`
  const text = await readTextFile(path, describe)
  return new WordPieces(text, String(path))
}

/**
 * WordPiece tokenizer of BERT models. Each Chinese character and each punctuation mark is a word; control characters are
 * dropped; words that the vocabulary cannot spell, or longer than 100 characters, become [UNK].
 *
 * @example
 * const tokenizer = await BertTokenizer.load()
 * const tokens = tokenizer.encodeBatch(['一只狗在草地上奔跑'], { contextLength: 52 })
 */
export class BertTokenizer implements Tokenizer {
  readonly padId: number
  readonly startId: number
  readonly endId: number
  readonly vocabSize: number
  /** @internal */
  readonly framing: Framing
  readonly lowerCase: boolean
  /** Whether its vocabulary is the Chinese one that comes with the package. */
  readonly isShipped: boolean
  readonly #pieces: WordPieces
  readonly #words = new WordCache()
  readonly #units = new Int32Array(0x10000)

  private constructor(pieces: WordPieces, lowerCase: boolean, isShipped: boolean) {
    requireMade(pieces, WordPieces, 'BertTokenizer')
    this.#pieces = pieces
    this.isShipped = isShipped
    this.lowerCase = lowerCase
    this.padId = pieces.idOf('[PAD]')
    this.startId = pieces.idOf('[CLS]')
    this.endId = pieces.idOf('[SEP]')
    this.vocabSize = pieces.pieces.length
    this.framing = { start: [this.startId], end: [this.endId] }
  }

  /**
   * @throws ClipwrightError ERR_INVALID_ARGUMENT for unknown options; ERR_NOT_FOUND or ERR_IO when the vocabulary cannot be
   *   read, ERR_FORMAT when it lacks a special piece
   */
  static async load(options: BertTokenizerOptions = {}): Promise<BertTokenizer> {
    const { lowerCase, vocab } = parseOptions(Options, options, 'BertTokenizer.load')
    if (!vocab) return new BertTokenizer(await loadChinese(), lowerCase, true)
    return BertTokenizer.#of(await readVocabulary(vocab, 'give the path of a vocab.txt'), lowerCase)
  }

  /**
   * @param vocabulary what a vocab.txt holds
   * @throws ClipwrightError ERR_FORMAT when it lacks a special piece
   * @internal
   */
  static async fromText(vocabulary: string, where: string, lowerCase: boolean): Promise<BertTokenizer> {
    return BertTokenizer.#of(new WordPieces(vocabulary, where), lowerCase)
  }

  static async #of(pieces: WordPieces, lowerCase: boolean): Promise<BertTokenizer> {
    const { pieces: shipped } = await loadChinese()
    const isShipped =
      shipped.length === pieces.pieces.length && shipped.every((piece, id) => piece === pieces.pieces[id])
    return new BertTokenizer(pieces, lowerCase, isShipped)
  }

  /** By id. */
  get pieces(): readonly string[] {
    return this.#pieces.pieces
  }

  /**
   * Ids of the text, without [CLS] and [SEP].
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `text` is not a string
   */
  encode(text: string): number[] {
    checkText(text)
    const ids: number[] = []
    if (!text.includes('[')) {
      this.#encodeInto(ids, text)
      return ids
    }
    // Texts and special pieces in turn: what the pattern captures stands at odd places.
    for (const [i, part] of text.split(SPECIAL).entries()) {
      if (i % 2 === 1) ids.push(this.#pieces.idOf(part as (typeof SPECIAL_PIECES)[number]))
      else this.#encodeInto(ids, part)
    }
    return ids
  }

  /**
   * Rows [n, contextLength]: [CLS], text, [SEP], padding. An over-long text is cut and keeps its [SEP].
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `texts` is not a list of strings or `contextLength` is below 2
   */
  encodeBatch(texts: readonly string[], o: { contextLength: number }): TokenBatch {
    return padRows(this.encodePacked(texts, o), o.contextLength, this.padId)
  }

  /** @internal */
  encodePacked(texts: readonly string[], o: { contextLength: number }): PackedTexts {
    return packBatch(texts, o, this.framing, (text) => this.encode(text))
  }

  /**
   * The pieces of these ids: those that go on inside a word are joined to it, the others separated by spaces, but for
   * `. , ! ?`, which follow their word. Special pieces show up as text.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `ids` is no list or an id is not in the vocabulary
   */
  decode(ids: ArrayLike<number>): string {
    const [first = '', ...rest] = symbolsOf(ids, this.vocabSize, (id) => this.#pieces.pieces[id])
    let text = first
    for (const piece of rest) {
      if (/^[.,!?]$/.test(piece)) text += piece
      else text += piece.startsWith(CONTINUED) ? piece.slice(CONTINUED.length) : ` ${piece}`
    }
    return text
  }

  /** Takes words at the characters that surely end them; everything else is left to the general way, a word at a time. */
  #encodeInto(ids: number[], text: string): void {
    let start = 0
    for (let i = 0; i <= text.length; i++) {
      const unit = i < text.length ? text.charCodeAt(i) : 0x20
      const meaning = this.#units[unit] || this.#look(unit)
      if (meaning === PART_OF_WORD) continue
      if (start < i) for (const id of this.#encodeWord(text.slice(start, i))) ids.push(id)
      if (meaning !== GAP) ids.push(meaning - SHIFT)
      start = i + 1
    }
  }

  #look(unit: number): number {
    const character = String.fromCharCode(unit)
    const kind = characterKind(character)
    let meaning = kind === 'space' ? GAP : PART_OF_WORD
    if (kind === 'ideograph' || kind === 'punctuation') {
      const own = this.#encodeWord(character)
      if (own.length === 1) meaning = own[0]! + SHIFT
    }
    this.#units[unit] = meaning
    return meaning
  }

  /** Ids of a piece of text without gaps, which cleaning may still part into several words. */
  #encodeWord(text: string): readonly number[] {
    const known = this.#words.get(text)
    if (known) return known
    const ids = bertWords(text, this.lowerCase).flatMap((word) => this.#pieces.encodeWord(word))
    this.#words.set(text, ids)
    return ids
  }
}
