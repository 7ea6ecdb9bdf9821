/**
 * Features of towers that are fixed: each picture and each caption goes through its tower once, and its features serve all
 * epochs and, from the disk, later runs. Pictures are known by their bytes, captions by their ids.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { optionName } from '../base/option-names.js'
import type { Pixels } from '../base/types.js'
import type { Features } from '../clip/batch.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { textSource } from '../clip/texts.js'
import { FeatureFile } from '../data/features/feature-file.js'
import { FeatureRows, KEY_BYTES } from '../data/features/feature-rows.js'
import type { LoaderOptions } from '../data/loader.js'
import { cacheFolder } from '../files/cache-folder.js'
import { readAddress } from '../image/source.js'
import type { Tower } from '../optim/depths.js'
import type { World } from '../ranks/world.js'
import { PackedTexts } from '../tokenizer/tokenizer.js'
import type { Note } from './events.js'
import { fixedTowers, identityOf } from './fixed-towers.js'
import type { Settings } from './options/options.js'

/** Of one tower, in memory and on the disk: half a million rows of 512. */
const BYTES = 2 ** 30

type Kept = { rows: FeatureRows; file: FeatureFile; written: number }
/** How many rows each tower has. */
export type KeptCounts = Partial<Record<Tower, number>>

export class KeptFeatures {
  readonly #clip: Clip
  readonly #towers: Partial<Record<Tower, Kept>>
  /** Pictures at a time through their tower, captions likewise. */
  readonly #atOnce: number
  /** Of samples whose pictures were read. */
  readonly #keyOf = new Map<number, string>()
  /** Whether the disk takes them. */
  #writes = true

  private constructor(clip: Clip, towers: Partial<Record<Tower, Kept>>, atOnce: number) {
    this.#clip = clip
    this.#towers = towers
    this.#atOnce = atOnce
  }

  /** Undefined where no tower is fixed, or nothing is to be kept. What was found on the disk is in `notes`. */
  static async open(
    clip: Clip,
    settings: Settings,
    { rank, size }: World,
  ): Promise<{ kept: KeptFeatures | undefined; notes: Note[] }> {
    const towers = settings.featureCache === 'off' ? [] : fixedTowers(clip, settings)
    if (towers.length === 0) return { kept: undefined, notes: [] }
    const folder = settings.featureCache ?? join(cacheFolder(), 'features')
    const notes: Note[] = []
    const opened: Partial<Record<Tower, Kept>> = {}
    for (const tower of towers) {
      // Ranks see other samples each, and write at the same time.
      const of = size > 1 ? `${tower}-${rank + 1}-of-${size}` : tower
      const file = new FeatureFile(folder, of, await identityOf(clip, tower))
      const rows = new FeatureRows(clip.config.embed_dim, BYTES)
      const { kept, rebuilt } = await file.read(rows)
      opened[tower] = { rows, file, written: kept }
      const does = `the ${tower} tower is locked and its input is not random, so each ${tower === 'image' ? 'picture' : 'caption'} goes through it once (${optionName('featureCache', 'featureCache')})`
      const found =
        rebuilt === undefined
          ? kept > 0
            ? `; ${kept} are kept in ${file.path}`
            : ''
          : `; ${rebuilt}: those of this one are made anew`
      notes.push({ code: 'feature_cache', message: `${does}${found}.` })
    }
    return { kept: new KeptFeatures(clip, opened, settings.microBatch ?? settings.batchSize), notes }
  }

  /** On the disk; in memory, where the disk takes no more. */
  get counts(): KeptCounts {
    const count = ({ rows, written }: Kept) => (this.#writes ? written : rows.count)
    return Object.fromEntries(Object.entries(this.#towers).map(([tower, kept]) => [tower, count(kept)]))
  }

  /** `decode` for those pictures alone whose features are not there; as it is where the image tower is not fixed. */
  decoding(decode: LoaderOptions['decode']): LoaderOptions['decode'] {
    const rows = this.#towers.image?.rows
    if (!rows) return decode
    return async (image, index, epoch, into) => {
      const key = this.#keyOf.get(index) ?? keyOf(await readAddress(image))
      this.#keyOf.set(index, key)
      return rows.has(key) ? undefined : decode(image, index, epoch, into)
    }
  }

  /**
   * Of the pictures of a batch, [n, embed_dim], where the image tower is fixed.
   * @param indices the samples'
   * @param decoded which of them `pixels` has, in their order; all by default
   */
  async images(pixels: Pixels, indices: Int32Array, decoded = everyone(indices.length)): Promise<Features | undefined> {
    const rows = this.#towers.image?.rows
    if (!rows) return undefined
    const keys = Array.from(indices, (index) => this.#keyOf.get(index)!)
    const [, height, width] = pixels.shape
    const one = height * width * 3
    const missing = firstOfEach([...decoded].map((place) => keys[place]!)).filter((i) => !rows.has(keys[decoded[i]!]!))
    const data = new Uint8Array(missing.length * one)
    for (const [to, from] of missing.entries()) data.set(pixels.data.subarray(from * one, (from + 1) * one), to * one)
    const made = await this.#encode(
      missing.map((i) => keys[decoded[i]!]!),
      (first, end) =>
        sessionOf(this.#clip, 'train').call((native) =>
          native.encodeImages({ data: data.subarray(first * one, end * one), count: end - first }, false),
        ),
    )
    return this.#gather(rows, keys, made)
  }

  /** Of the captions of a batch, [n, embed_dim], where the text tower is fixed. */
  async texts(tokens: PackedTexts): Promise<Features | undefined> {
    const rows = this.#towers.text?.rows
    if (!rows) return undefined
    const session = sessionOf(this.#clip, 'train')
    const captions = Array.from({ length: tokens.count }, (_, i) =>
      tokens.ids.subarray(tokens.offsets[i], tokens.offsets[i + 1]),
    )
    const keys = captions.map(keyOf)
    const missing = firstOfEach(keys).filter((i) => !rows.has(keys[i]!))
    const source = textSource(
      packed(missing.map((i) => captions[i]!)),
      this.#clip.tokenizer,
      session.model.text,
      false,
      'train',
    )
    const made = await this.#encode(
      missing.map((i) => keys[i]!),
      (first, end) => session.call((native) => native.encodeTexts(source.read(first, end), false)),
    )
    return this.#gather(rows, keys, made)
  }

  /** Features by key, as many at a time as a step takes. */
  async #encode(
    keys: readonly string[],
    encode: (first: number, end: number) => Promise<Float32Array>,
  ): Promise<Map<string, Float32Array>> {
    const dim = this.#clip.config.embed_dim
    const made = new Map<string, Float32Array>()
    for (let first = 0; first < keys.length; first += this.#atOnce) {
      const end = Math.min(first + this.#atOnce, keys.length)
      const features = await encode(first, end)
      for (let i = first; i < end; i++) made.set(keys[i]!, features.subarray((i - first) * dim, (i - first + 1) * dim))
    }
    return made
  }

  /** Rows in the order of `keys`; what was made is kept. */
  #gather(rows: FeatureRows, keys: readonly string[], made: ReadonlyMap<string, Float32Array>): Features {
    for (const [key, values] of made) rows.add(key, values)
    const features = new Float32Array(keys.length * rows.dim)
    for (const [i, key] of keys.entries()) features.set(made.get(key) ?? rows.get(key)!, i * rows.dim)
    return { features, count: keys.length }
  }

  /** Writes what is new. A disk that does not take it costs nothing but that, which `warn` is told once. */
  async save(warn: (message: string) => void): Promise<void> {
    for (const kept of this.#writes ? Object.values(this.#towers) : []) {
      const { rows, file, written } = kept
      if (rows.count === written) continue
      kept.written = rows.count
      try {
        await file.write(rows)
      } catch (error) {
        this.#writes = false
        warn(`features are kept in memory alone from now on: ${(error as Error).message}`)
        return
      }
    }
  }
}

/** What a run that goes on had and finds no more: computed again beside other inputs, it may be rounded otherwise. */
export function missingFeatures(before: KeptCounts, kept: KeptFeatures | undefined): string[] {
  const now = kept?.counts ?? {}
  return (['image', 'text'] as const)
    .filter((tower) => (now[tower] ?? 0) < (before[tower] ?? 0))
    .map((tower) => `the ${tower} features that were kept`)
}

function keyOf(bytes: Uint8Array | Int32Array): string {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return createHash('sha256').update(view).digest().toString('latin1', 0, KEY_BYTES)
}

function everyone(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i)
}

/** Places where a key comes for the first time. */
function firstOfEach(keys: readonly string[]): number[] {
  const first = new Map<string, number>()
  for (const [i, key] of keys.entries()) if (!first.has(key)) first.set(key, i)
  return [...first.values()]
}

function packed(captions: readonly Int32Array[]): PackedTexts {
  const offsets = new Int32Array(captions.length + 1)
  for (const [i, { length }] of captions.entries()) offsets[i + 1] = offsets[i]! + length
  const ids = new Int32Array(offsets[captions.length]!)
  for (const [i, caption] of captions.entries()) ids.set(caption, offsets[i])
  return new PackedTexts(ids, offsets, 0)
}
