/**
 * Features of locked towers: what is not random goes through them once, and its features serve all epochs and, from the disk,
 * later runs. Pictures are known by their bytes, captions by their ids.
 */
import { join } from 'node:path'
import { optionName } from '../base/option-names.js'
import type { Pixels } from '../base/types.js'
import type { Features } from '../clip/batch.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { textSource } from '../clip/texts.js'
import { FeatureFile } from '../data/features/feature-file.js'
import { FeatureRows } from '../data/features/feature-rows.js'
import type { LoaderOptions } from '../data/loader.js'
import { cacheFolder } from '../files/cache-folder.js'
import { type ImageAddress, readAddress } from '../image/source.js'
import type { Tower } from '../optim/depths.js'
import type { World } from '../ranks/world.js'
import { PackedTexts } from '../tokenizer/tokenizer.js'
import type { Note } from './events.js'
import { fixedTowers, identityOf, lockedTowers } from './fixed-towers.js'
import { KeptTower, keyOf } from './kept-tower.js'
import type { Settings } from './options/options.js'

/** Of one tower, in memory and on the disk: half a million rows of 512. */
const BYTES = 2 ** 30

type Towers = Partial<Record<Tower, KeptTower>>
/** How many rows each tower has. */
export type KeptCounts = Partial<Record<Tower, number>>

export class KeptFeatures {
  readonly #clip: Clip
  readonly #towers: Towers
  /** Of these what is trained on is not random either. */
  readonly #fixed: Towers
  /** Pictures at a time through their tower, captions likewise. */
  readonly #atOnce: number
  /** Of samples whose pictures were read. */
  readonly #keyOf = new Map<number, string>()
  /** Whether the disk takes them. */
  #writes = true

  private constructor(clip: Clip, towers: Towers, fixed: readonly Tower[], atOnce: number) {
    this.#clip = clip
    this.#towers = towers
    this.#fixed = Object.fromEntries(fixed.map((tower) => [tower, towers[tower]]))
    this.#atOnce = atOnce
  }

  /** Undefined where no tower is locked, or nothing is to be kept. What was found on the disk is in `notes`. */
  static async open(
    clip: Clip,
    settings: Settings,
    { rank, size }: World,
  ): Promise<{ kept: KeptFeatures | undefined; notes: Note[] }> {
    const isOff = settings.featureCache === 'off'
    const fixed = isOff ? [] : fixedTowers(clip, settings)
    // What a run measures on is never random.
    const measures = settings.val !== undefined || (settings.canary ?? []).length > 0
    const towers = measures && !isOff ? lockedTowers(clip) : fixed
    if (towers.length === 0) return { kept: undefined, notes: [] }
    const folder = settings.featureCache ?? join(cacheFolder(), 'features')
    const notes: Note[] = []
    const opened: Towers = {}
    for (const tower of towers) {
      // Ranks see other samples each, and write at the same time.
      const of = size > 1 ? `${tower}-${rank + 1}-of-${size}` : tower
      const file = new FeatureFile(folder, of, await identityOf(clip, tower))
      const rows = new FeatureRows(clip.config.embed_dim, BYTES)
      const { kept, rebuilt } = await file.read(rows)
      opened[tower] = new KeptTower(rows, file, kept)
      const input = tower === 'image' ? 'picture' : 'caption'
      const what = fixed.includes(tower)
        ? `and its input is not random, so each ${input}`
        : `so each ${input} that the run measures on`
      const does = `the ${tower} tower is locked ${what} goes through it once (${optionName('featureCache', 'featureCache')})`
      const found =
        rebuilt === undefined
          ? kept > 0
            ? `; ${kept} are kept in ${file.path}`
            : ''
          : `; ${rebuilt}: those of this one are made anew`
      notes.push({ code: 'feature_cache', message: `${does}${found}.` })
    }
    const atOnce = settings.microBatch ?? settings.batchSize
    return { kept: new KeptFeatures(clip, opened, fixed, atOnce), notes }
  }

  /** On the disk; in memory, where the disk takes no more. */
  get counts(): KeptCounts {
    const count = ({ rows, written }: KeptTower) => (this.#writes ? written : rows.count)
    return Object.fromEntries(Object.entries(this.#towers).map(([tower, kept]) => [tower, count(kept)]))
  }

  /** Of the locked tower, if it is one: for what is not random. */
  of(tower: Tower): KeptTower | undefined {
    return this.#towers[tower]
  }

  /** `decode` for those pictures alone whose features are not there; as it is where the image tower is not fixed. */
  decoding(decode: LoaderOptions['decode']): LoaderOptions['decode'] {
    const rows = this.#fixed.image?.rows
    if (!rows) return decode
    return async (image, index, epoch, into) => {
      const key = this.#keyOf.get(index) ?? (await pictureKey(image))
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
    if (!this.#fixed.image) return undefined
    const keys = Array.from(indices, (index) => this.#keyOf.get(index)!)
    return this.pictures(
      keys,
      Array.from(decoded, (place) => keys[place]!),
      pixels,
    )
  }

  /**
   * Of the pictures with these keys, [n, embed_dim].
   * @param decoded keys of those that `pixels` has
   */
  async pictures(keys: readonly string[], decoded: readonly string[], pixels: Pixels): Promise<Features> {
    const tower = this.#towers.image!
    const [, height, width] = pixels.shape
    const one = height * width * 3
    const missing = tower.missing(decoded)
    const data = new Uint8Array(missing.length * one)
    for (const [to, from] of missing.entries()) data.set(pixels.data.subarray(from * one, (from + 1) * one), to * one)
    const made = missing.map((i) => decoded[i]!)
    return tower.features(keys, made, this.#atOnce, (first, end) =>
      sessionOf(this.#clip, 'train').call((native) =>
        native.encodeImages({ data: data.subarray(first * one, end * one), count: end - first }, false),
      ),
    )
  }

  /** Of the captions of a batch, [n, embed_dim], where the text tower is fixed. */
  async texts(tokens: PackedTexts): Promise<Features | undefined> {
    return this.#fixed.text && this.captions(tokens)
  }

  /** Of these captions, [n, embed_dim]. */
  async captions(tokens: PackedTexts): Promise<Features> {
    const tower = this.#towers.text!
    const session = sessionOf(this.#clip, 'train')
    const captions = Array.from({ length: tokens.count }, (_, i) =>
      tokens.ids.subarray(tokens.offsets[i], tokens.offsets[i + 1]),
    )
    const keys = captions.map(keyOf)
    const missing = tower.missing(keys)
    const source = textSource(
      packed(missing.map((i) => captions[i]!)),
      this.#clip.tokenizer,
      session.model.text,
      false,
      'train',
    )
    const made = missing.map((i) => keys[i]!)
    return tower.features(keys, made, this.#atOnce, (first, end) =>
      session.call((native) => native.encodeTexts(source.read(first, end), false)),
    )
  }

  /** Writes what is new. A disk that does not take it costs nothing but that, which `warn` is told once. */
  async save(warn: (message: string) => void): Promise<void> {
    for (const kept of this.#writes ? Object.values(this.#towers) : []) {
      try {
        await kept.write()
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

export async function pictureKey(image: ImageAddress): Promise<string> {
  return keyOf(await readAddress(image))
}

function everyone(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i)
}

function packed(captions: readonly Int32Array[]): PackedTexts {
  const offsets = new Int32Array(captions.length + 1)
  for (const [i, { length }] of captions.entries()) offsets[i + 1] = offsets[i]! + length
  const ids = new Int32Array(offsets[captions.length]!)
  for (const [i, caption] of captions.entries()) ids.set(caption, offsets[i])
  return new PackedTexts(ids, offsets, 0)
}
