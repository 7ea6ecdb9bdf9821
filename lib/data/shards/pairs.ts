/** Which members of a shard are pictures with captions. */
import { JSON_EXTENSION, TEXT_EXTENSIONS } from '../caption-text.js'
import type { ShardIndex } from './shard-index.js'

/** Pictures as webdataset's readers of CLIP look for them, then others that are read here. */
const PICTURES = ['jpg', 'png', 'jpeg', 'webp', 'jpe', 'jfif', 'gif', 'bmp', 'tif', 'tiff', 'avif']

export type PairKeys = { imageKey?: string | undefined; captionKey?: string | undefined }

/** Kinds of members that hold pictures, and those that hold captions, in the order in which they are taken. */
export function kindsOf({ imageKey, captionKey }: PairKeys): { images: string[]; captions: string[] } {
  // As webdataset: several names between semicolons.
  const images = imageKey?.toLowerCase().split(';') ?? PICTURES
  // A key that no member has is one of the JSON.
  const captions = captionKey === undefined ? [...TEXT_EXTENSIONS] : captionKey.toLowerCase().split(';')
  return { images, captions: [...captions, JSON_EXTENSION] }
}

export type Lacking = { picture: number; caption: number; both: number; first: string | undefined }

export class ShardPairs {
  readonly index: ShardIndex
  readonly #images: number[]
  readonly #captions: number[]
  /** Samples of the index that are pairs; undefined where all are. */
  readonly #usable: Uint32Array | undefined
  readonly lacking: Lacking = { picture: 0, caption: 0, both: 0, first: undefined }

  constructor(index: ShardIndex, keys: PairKeys) {
    this.index = index
    const { extensions } = index.arrays
    const codes = (names: readonly string[]) => names.map((name) => extensions.indexOf(name)).filter((i) => i >= 0)
    const kinds = kindsOf(keys)
    this.#images = codes(kinds.images)
    this.#captions = codes(kinds.captions)
    const usable = new Uint32Array(index.size)
    let count = 0
    for (let i = 0; i < index.size; i++) {
      const [image, caption] = [index.member(i, this.#images) >= 0, index.member(i, this.#captions) >= 0]
      if (image && caption) usable[count++] = i
      else {
        this.lacking[image ? 'caption' : caption ? 'picture' : 'both']++
        this.lacking.first ??= index.key(i)
      }
    }
    if (count < index.size) this.#usable = usable.slice(0, count)
  }

  get size(): number {
    return this.#usable?.length ?? this.index.size
  }

  pair(i: number) {
    const { index } = this
    const sample = this.#usable?.[i] ?? i
    return {
      key: index.key(sample),
      image: index.part(index.member(sample, this.#images)),
      caption: index.part(index.member(sample, this.#captions)),
    }
  }
}
