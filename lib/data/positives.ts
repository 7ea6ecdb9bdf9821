/** Which samples of a data set are no wrong pairs of each other: those with the same picture, or the same caption. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { type ImageAddress, readAddress } from '../image/source.js'
import { captionOf } from './sampler.js'
import type { DataSource, Sample } from './source.js'

/**
 * - `id`: samples to whose pictures the data give one id or, without ids, one path.
 * - `caption`: samples whose captions of this epoch are the same words.
 * - `picture`: samples whose pictures' files are the same, byte for byte, wherever they lie.
 */
export const POSITIVES = ['id', 'caption', 'picture'] as const
export type PositivesKind = (typeof POSITIVES)[number]

export type Positives = {
  /** Of each sample, by its number: a group of its own, or one that it shares. */
  groups(epoch: number): Int32Array
}

type Manner = {
  /** Of the run: what captions are drawn by. */
  seed: number
  /** What captions become before they are tokenized. */
  clean: (caption: string) => string
  /** Files read side by side. */
  workers: number
}

/** @throws ClipwrightError what reading the data throws; a picture that cannot be read is in a group of its own */
export async function positivesOf(kind: PositivesKind, source: DataSource, o: Manner): Promise<Positives> {
  const samples: Sample[] = []
  for await (const sample of source.samples({ seed: o.seed, epoch: 0, from: 0 })) samples[sample.index] = sample
  if (kind === 'caption') return byCaption(samples, o)
  const names =
    kind === 'id'
      ? samples.map(({ id, image }) => (id === undefined ? `path ${placeOf(image)}` : `id ${id}`))
      : await contentsOf(
          samples.map(({ image }) => image),
          o.workers,
        )
  const groups = numbered(names)
  return { groups: () => groups }
}

/** Several batches of an epoch ask one after another. */
function byCaption(samples: readonly Sample[], { seed, clean }: Manner): Positives {
  const words = (caption: string) => clean(caption).trim().replace(/\s+/g, ' ')
  let last: { epoch: number; groups: Int32Array } | undefined
  return {
    groups: (epoch) => {
      if (last?.epoch === epoch) return last.groups
      const drawn = samples.map(({ captions }, index) => words(captionOf(captions, seed, epoch, index)))
      last = { epoch, groups: numbered(drawn) }
      return last.groups
    },
  }
}

/** Equal names get equal numbers, from 0 in the order of their first. */
function numbered(names: readonly string[]): Int32Array {
  const numbers = new Map<string, number>()
  return Int32Array.from(names, (name) => {
    const known = numbers.get(name) ?? numbers.size
    numbers.set(name, known)
    return known
  })
}

/** A name for what each picture's bytes are. Only those are read of which others have the same length. */
async function contentsOf(images: readonly ImageAddress[], workers: number): Promise<string[]> {
  const places = images.map(placeOf)
  const firsts = new Map(images.map((image, i) => [places[i]!, image]))
  const lengths = new Map<string, number | undefined>()
  await forEach([...firsts], workers, async ([place, image]) => {
    lengths.set(place, await lengthOf(image))
  })
  const sharing = new Map<number, number>()
  for (const length of lengths.values()) if (length !== undefined) sharing.set(length, (sharing.get(length) ?? 0) + 1)
  const names = new Map<string, string>()
  await forEach([...firsts], workers, async ([place, image]) => {
    const length = lengths.get(place)
    const alone = length === undefined || sharing.get(length) === 1
    names.set(place, (alone ? undefined : await digestOf(image)) ?? `place ${place}`)
  })
  return places.map((place) => names.get(place)!)
}

function placeOf(image: ImageAddress): string {
  if (typeof image === 'string') return image
  if (Buffer.isBuffer(image)) return sha256(image)
  return 'read' in image ? `${image.path} ${image.id}` : `${image.path} ${image.offset} ${image.length}`
}

/** Undefined where there is none, which the run says when it comes to the picture. */
async function lengthOf(image: ImageAddress): Promise<number | undefined> {
  const none = () => undefined
  if (typeof image === 'string') return stat(image).then(({ size }) => size, none)
  return 'read' in image ? image.read().then(({ length }) => length, none) : image.length
}

async function digestOf(image: ImageAddress): Promise<string | undefined> {
  return readAddress(image).then(sha256, () => undefined)
}

const sha256 = (bytes: Buffer) => `sha256 ${createHash('sha256').update(bytes).digest('hex')}`

async function forEach<T>(items: readonly T[], workers: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < items.length) await work(items[next++]!)
  }
  await Promise.all(Array.from({ length: workers }, one))
}
