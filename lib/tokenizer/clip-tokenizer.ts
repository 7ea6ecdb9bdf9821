/** CLIP's tokenizer, id for id as open_clip's `SimpleTokenizer`. */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ClipwrightError } from '../base/errors.js'
import { readWhole } from '../files/read-whole.js'
import { BytePairEncoder } from './bpe.js'
import { bytesOfSymbols } from './byte-alphabet.js'
import { cleanWhitespace } from './cleaning.js'
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

const VOCABULARY = new URL('./vocab/bpe_simple_vocab_16e6.txt.gz', import.meta.url)
/** 49408 tokens less 512 for bytes and 2 special ones. */
const MERGES = 49408 - 512 - 2
const START = '<start_of_text>'
const END = '<end_of_text>'

/**
 * Words of cleaned text, in which the plain space is the only white space: letters, single digits, runs of anything
 * else, English contractions, the two special tokens. Python's pattern ignores case, so ſ counts as s.
 */
const WORD = /\p{L}+|<[sſ]tart_of_text>|<end_of_text>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{N}|[^ \p{L}\p{N}]+/gu

let vocabulary: Promise<BytePairEncoder> | undefined

/** The vocabulary is read once a process, at the first use. */
function loadVocabulary(): Promise<BytePairEncoder> {
  vocabulary ??= readVocabulary().catch((error: unknown) => {
    vocabulary = undefined
    throw error
  })
  return vocabulary
}

async function readVocabulary(): Promise<BytePairEncoder> {
  let text: Uint8Array
  try {
    text = await unzipLines(await readWhole(VOCABULARY), 1 + MERGES)
  } catch (cause) {
    throw new ClipwrightError(
      'ERR_IO',
      `CLIP's vocabulary could not be read from ${VOCABULARY.pathname} (${(cause as Error).message}); it is part of the package, so reinstall it.`,
      { cause },
    )
  }
  return new BytePairEncoder(text, MERGES)
}

/** The first lines at least: the file has five times as many as belong to the vocabulary. */
async function unzipLines(zipped: Uint8Array, lines: number): Promise<Uint8Array> {
  const pieces: Buffer[] = []
  let found = 0
  // Leaving the loop ends the stream.
  for await (const piece of Readable.from([zipped]).pipe(createGunzip())) {
    pieces.push(piece)
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) found++
    if (found >= lines) break
  }
  return Buffer.concat(pieces)
}

/**
 * Byte-pair tokenizer of 49408 tokens. Texts are repaired (ftfy), unescaped twice, lower-cased, and their white space
 * is collapsed, in this order.
 *
 * @example
 * const tokenizer = await ClipTokenizer.load()
 * const tokens = tokenizer.encodeBatch(['a photo of a dog'], { contextLength: 77 })
 */
export class ClipTokenizer implements Tokenizer {
  readonly padId = 0
  readonly startId: number
  readonly endId: number
  readonly vocabSize: number
  /** @internal */
  readonly framing: Framing
  readonly #encoder: BytePairEncoder
  readonly #words = new WordCache()

  private constructor(encoder: BytePairEncoder) {
    requireMade(encoder, BytePairEncoder, 'ClipTokenizer')
    this.#encoder = encoder
    this.startId = encoder.size
    this.endId = this.startId + 1
    this.vocabSize = this.startId + 2
    this.framing = { start: [this.startId], end: [this.endId] }
  }

  /** @throws ClipwrightError ERR_IO when the package's vocabulary cannot be read, ERR_FORMAT when it is damaged */
  static async load(): Promise<ClipTokenizer> {
    return new ClipTokenizer(await loadVocabulary())
  }

  /**
   * Ids of the text, without start and end.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `text` is not a string
   */
  encode(text: string): number[] {
    checkText(text)
    const ids: number[] = []
    for (const word of clean(text).match(WORD) ?? []) {
      for (const id of this.#encodeWord(word)) ids.push(id)
    }
    return ids
  }

  /**
   * Rows [n, contextLength]: start (49406), text, end (49407), zeros. An over-long text is cut and keeps its end.
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
   * The text of these ids, words separated by spaces; bytes that are not UTF-8 become U+FFFD. The special tokens read
   * `<start_of_text>` and `<end_of_text>`, and padding reads `!`, whose id it shares.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `ids` is no list or an id is not in the vocabulary
   */
  decode(ids: ArrayLike<number>): string {
    const symbols = [...symbolsOf(ids, this.vocabSize, (id) => this.#symbolOf(id))].join('')
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOfSymbols(symbols)).replaceAll('</w>', ' ')
  }

  /**
   * What each id but the two special ones stands for, in byte stand-ins, and the merges that make them, "left right" each.
   * @internal
   */
  get vocabulary(): { symbols: readonly string[]; merges: readonly string[] } {
    return { symbols: this.#encoder.symbols, merges: this.#encoder.merges }
  }

  #symbolOf(id: number): string | undefined {
    if (id === this.startId) return START
    return id === this.endId ? END : this.#encoder.symbolOf(id)
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#words.get(word)
    if (known) return known
    if (word === START) return [this.startId]
    if (word === END) return [this.endId]
    const ids = this.#encoder.encodeWord(Buffer.from(word))
    this.#words.set(word, ids)
    return ids
  }
}

/**
 * open_clip's `_clean_lower`. U+0345, a mark whose capital is a letter, then matches nothing in Python's
 * case-ignoring word pattern: it only parts words, as a space does.
 */
function clean(text: string): string {
  return cleanWhitespace(text).toLowerCase().replaceAll('\u0345', ' ')
}
