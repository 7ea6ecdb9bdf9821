/** Byte-pair encoding over characters, as Hugging Face's tokenizers has it (`models/bpe/model.rs`). */
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { mergePairs } from '../merge-pairs.js'
import { WordCache } from '../word-cache.js'
import { damaged, type Place, settingsOf } from './component.js'
import { byteIds, idsOfVocabulary, LARGEST_ID, type Model } from './model.js'

const schema = z.looseObject({
  vocab: z.unknown().optional(),
  merges: z.array(z.unknown()),
  dropout: z.literal([null, 0], { error: 'expected none: ids would be drawn at random' }).optional(),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().default(false),
  byte_fallback: z.boolean().default(false),
  ignore_merges: z.boolean().default(false),
})

type Settings = z.output<typeof schema>

/** Merges that are learnt before others get their turn on the event loop. */
const AT_ONCE = 1 << 15
/** One number for two ids. */
const pairKey = (left: number, right: number) => left * LARGEST_ID + right

/** What stands for a space in vocabularies that come of SentencePiece. */
const MARK = '\u2581'
const MARK_WITHIN = /[^\u2581]\u2581/
const BEFORE_MARK = /(?<=[^\u2581])(?=\u2581)/u

/** @throws ClipwrightError ERR_FORMAT naming a merge of or to a token that the vocabulary has not */
export async function makeBpe(value: unknown, place: Place): Promise<Model> {
  // Not by zod, which would make a copy of half a million merges.
  const { merges, vocab } = Object(value) as { merges?: unknown; vocab?: unknown }
  const settings = settingsOf(
    schema,
    { ...Object(value), merges: Array.isArray(merges) ? [] : merges, vocab: undefined },
    place,
  )
  const ids = idsOfVocabulary(vocab, place)
  const bpe = new Bpe(ids, settings, place)
  for (const [rank, merge] of (merges as unknown[]).entries()) {
    bpe.add(merge, rank)
    if (rank % AT_ONCE === AT_ONCE - 1) await setImmediate()
  }
  return bpe
}

class Bpe implements Model {
  readonly #ids: ReadonlyMap<string, number>
  readonly #ranks = new Map<number, number>()
  /** The id that each merge makes. */
  readonly #made: number[] = []
  readonly #settings: Settings
  readonly #place: Place
  readonly #words = new WordCache()
  readonly #unknown: number | undefined
  /** Whether no piece goes on behind a mark: what lies before one and behind it can be encoded apart. */
  #parts: boolean

  constructor(ids: ReadonlyMap<string, number>, settings: Settings, place: Place) {
    this.#ids = ids
    this.#settings = settings
    this.#place = place
    const { unk_token, continuing_subword_prefix, end_of_word_suffix, ignore_merges } = settings
    this.#unknown = unk_token === null || unk_token === undefined ? undefined : ids.get(unk_token)
    if (typeof unk_token === 'string' && this.#unknown === undefined) {
      throw damaged(place, `unk_token: ${JSON.stringify(unk_token)} is not in the vocabulary`)
    }
    this.#parts = ids.has(MARK) && !continuing_subword_prefix && !end_of_word_suffix && !ignore_merges
  }

  add(merge: unknown, rank: number): void {
    const [left, right, ...more] = (
      typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    ) as unknown[]
    if (typeof left !== 'string' || typeof right !== 'string' || more.length > 0) {
      throw damaged(this.#place, `merges.${rank}: expected two tokens`)
    }
    const token = left + right.slice(this.#settings.continuing_subword_prefix?.length ?? 0)
    const [a, b, made] = [left, right, token].map((part) => {
      const id = this.#ids.get(part)
      if (id !== undefined) return id
      throw damaged(this.#place, `merges.${rank}: the token ${JSON.stringify(part)} is not in the vocabulary`)
    }) as [number, number, number]
    this.#ranks.set(pairKey(a, b), rank)
    this.#made.push(made)
    if (MARK_WITHIN.test(token)) this.#parts = false
  }

  get tokens(): Iterable<readonly [string, number]> {
    return this.#ids
  }

  idOf(token: string): number | undefined {
    return this.#ids.get(token)
  }

  encode(text: string): readonly number[] {
    if (!this.#parts) return this.#encodeWord(text)
    return text.split(BEFORE_MARK).flatMap((word) => this.#encodeWord(word))
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#words.get(word)
    if (known) return known
    const whole = this.#settings.ignore_merges ? this.#ids.get(word) : undefined
    const rankOf = (left: number, right: number) => this.#ranks.get(pairKey(left, right))
    const ids =
      whole === undefined
        ? mergePairs(Int32Array.from(this.#symbols(word)), rankOf, (rank) => this.#made[rank]!)
        : [whole]
    this.#words.set(word, ids)
    return ids
  }

  /** Ids of a word's characters, before any merge. */
  #symbols(word: string): number[] {
    const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix, byte_fallback, fuse_unk } = this.#settings
    const characters = Array.from(word)
    const ids: number[] = []
    /** Whether the unknown token stands last, for characters that more may join. */
    let isUnknown = false
    for (const [i, character] of characters.entries()) {
      let symbol = i > 0 && prefix ? prefix + character : character
      if (i === characters.length - 1 && suffix) symbol += suffix
      const id = this.#ids.get(symbol)
      const bytes = id === undefined && byte_fallback ? byteIds(symbol, (token) => this.#ids.get(token)) : undefined
      if (id !== undefined) ids.push(id)
      else if (bytes) ids.push(...bytes)
      else if (this.#unknown !== undefined && !(isUnknown && fuse_unk)) ids.push(this.#unknown)
      isUnknown = id === undefined && !bytes
    }
    return ids
  }
}
