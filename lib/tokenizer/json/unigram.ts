/**
 * Unigram language model (https://arxiv.org/abs/1804.10959): the pieces of largest probability together, as Hugging Face's
 * tokenizers finds them (`models/unigram/model.rs`, `encode_optimized`).
 */

import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { WordCache } from '../word-cache.js'
import { damaged, type Place, settingsOf } from './component.js'
import { byteIds, LARGEST_ID, type Model, unspeakable } from './model.js'
import { Trie } from './trie.js'

const schema = z.looseObject({
  vocab: z.unknown().optional(),
  unk_id: z.int().min(0).nullish(),
  byte_fallback: z.boolean().default(false),
})

/** What an unknown character costs beyond the least probable piece. */
const UNKNOWN_COST = 10
/** Pieces that are learnt before others get their turn on the event loop. */
const AT_ONCE = 1 << 15

/** @throws ClipwrightError ERR_FORMAT */
export async function makeUnigram(settings: unknown, place: Place): Promise<Model> {
  const { vocab, unk_id, byte_fallback } = settingsOf(schema, settings, place)
  if (!Array.isArray(vocab) || vocab.length === 0 || vocab.length > LARGEST_ID) {
    throw damaged(place, 'vocab: expected a list of pieces with their scores')
  }
  if (unk_id !== null && unk_id !== undefined && unk_id >= vocab.length) {
    throw damaged(place, `unk_id: ${unk_id} is no id of the ${vocab.length} pieces`)
  }
  const unigram = new Unigram(vocab.length, unk_id ?? undefined, byte_fallback)
  for (const [id, entry] of (vocab as unknown[]).entries()) {
    const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (typeof piece !== 'string' || typeof score !== 'number') {
      throw damaged(place, `vocab.${id}: expected a piece and its score`)
    }
    unigram.add(piece, score, id)
    if (id % AT_ONCE === AT_ONCE - 1) await setImmediate()
  }
  return unigram
}

class Unigram implements Model {
  readonly #trie = new Trie()
  readonly #ids = new Map<string, number>()
  readonly #scores: Float64Array
  readonly #unknown: number | undefined
  readonly #byteFallback: boolean
  readonly #words = new WordCache()
  #lowest = Number.POSITIVE_INFINITY

  constructor(size: number, unknown: number | undefined, byteFallback: boolean) {
    this.#scores = new Float64Array(size)
    this.#unknown = unknown
    this.#byteFallback = byteFallback
  }

  add(piece: string, score: number, id: number): void {
    this.#trie.add(piece, id)
    this.#ids.set(piece, id)
    this.#scores[id] = score
    this.#lowest = Math.min(this.#lowest, score)
  }

  get tokens(): Iterable<readonly [string, number]> {
    return this.#ids
  }

  idOf(piece: string): number | undefined {
    return this.#ids.get(piece)
  }

  encode(text: string): readonly number[] {
    const known = this.#words.get(text)
    if (known) return known
    const ids = this.#spell(text, this.#bestPath(text))
    this.#words.set(text, ids)
    return ids
  }

  /** For each end of a piece on the best path to there, where it begins and which it is. */
  #bestPath(text: string): { starts: Int32Array; ids: Int32Array } {
    const n = text.length
    const starts = new Int32Array(n + 1).fill(-1)
    const ids = new Int32Array(n + 1)
    const best = new Float64Array(n + 1)
    const offer = (from: number, to: number, score: number, id: number) => {
      const candidate = best[from]! + score
      if (starts[to] !== -1 && candidate <= best[to]!) return
      best[to] = candidate
      starts[to] = from
      ids[to] = id
    }
    const unknownScore = this.#lowest - UNKNOWN_COST
    for (let from = 0; from < n; ) {
      const width = text.codePointAt(from)! > 0xffff ? 2 : 1
      let isSingle = false
      let node = 0
      for (let to = from; to < n; ) {
        node = this.#trie.step(node, text.charCodeAt(to++))
        if (node < 0) break
        const id = this.#trie.idAt(node)
        if (id < 0) continue
        offer(from, to, this.#scores[id]!, id)
        if (to - from === width) isSingle = true
      }
      if (!isSingle) {
        if (this.#unknown === undefined) throw unspeakable(text)
        offer(from, from + width, unknownScore, this.#unknown)
      }
      from += width
    }
    return { starts, ids }
  }

  /** Unknown characters one behind the other are one piece. */
  #spell(text: string, { starts, ids }: { starts: Int32Array; ids: Int32Array }): number[] {
    const pieces: { from: number; to: number; id: number }[] = []
    for (let to = text.length; to > 0; to = starts[to]!) {
      const [from, id] = [starts[to]!, ids[to]!]
      const after = pieces.at(-1)
      if (after && id === this.#unknown && after.id === id) after.from = from
      else pieces.push({ from, to, id })
    }
    return pieces
      .reverse()
      .flatMap(({ from, to, id }) => (id === this.#unknown ? this.#unspelt(text.slice(from, to)) : id))
  }

  #unspelt(text: string): number | number[] {
    const whole = this.#ids.get(text)
    if (whole !== undefined) return whole
    return (this.#byteFallback ? byteIds(text, (token) => this.#ids.get(token)) : undefined) ?? this.#unknown!
  }
}
