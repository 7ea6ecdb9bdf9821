/** How fast this machine turns picture files into a model's pixels. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { Places } from '../data/places.js'
import { findImages } from '../image/find-images.js'
import { PictureCache } from '../image/picture-cache.js'
import { pictureFitter } from '../image/preprocess.js'
import { addressOf, type ImageAddress } from '../image/source.js'
import { processors } from '../native/processors.js'
import { samplePictures } from './sample-pictures.js'

/** What is measured. */
export type BenchDataOptions = {
  /** A folder of pictures, or what `findImages` takes; JPEGs of 500 × 375 pixels in memory by default. */
  images?: string
  /** How many are made up; 64 by default. */
  count?: number
  /** Side that they are fitted to; 224 by default. */
  size?: number
  /** At a time; twice the processors by default. */
  concurrency?: number
  /** How long they are gone through, again and again; 3 by default. */
  seconds?: number
  /** A folder that keeps them at that size, as `train` with `augment: false` does; they are in it before the clock starts. */
  decodedCache?: string
}

/** How many pictures a second became pixels, and how the event loop fared meanwhile. */
export type BenchDataResult = {
  picturesPerSecond: number
  /** How many there are. */
  pictures: number
  /** How late the event loop came to its turns: the 99th percentile. */
  eventLoopP99Ms: number
  concurrency: number
}

const count = z.int().min(1)
const schema = z.strictObject({
  images: z.string().min(1).optional(),
  count: count.default(64),
  size: count.default(224),
  concurrency: count.optional(),
  seconds: z.number().positive().default(3),
  decodedCache: z.string().min(1).optional(),
})

const BATCH = 64

/**
 * Decoded, the short side fitted (bicubic), the middle cut out, as open_clip does before evaluation.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_IMAGE, ERR_IO where the cache cannot be used
 */
export async function benchData(options: BenchDataOptions = {}): Promise<BenchDataResult> {
  const o = parseOptions(schema, options, 'benchData')
  const given = o.images === undefined ? await samplePictures(o.count) : await findImages([o.images])
  const sources = given.map((source) => addressOf(source, 'benchData'))
  const concurrency = o.concurrency ?? 2 * processors().threads
  const said: string[] = []
  const say = (message: string) => void said.push(message)
  const cache =
    o.decodedCache === undefined
      ? undefined
      : new PictureCache(o.decodedCache, { limit: Number.POSITIVE_INFINITY, say })
  const fitted = pictureFitter({ size: o.size, convert: 'after' }, cache)
  // As in training: straight into the batches.
  const places = new Places(BATCH, o.size * o.size * 3)
  const nextPlace = places.inOrder()
  const filled = new Map<ArrayBufferLike, number>()
  const fit = async (source: ImageAddress) => {
    const place = nextPlace()
    await fitted(source, place)
    const count = (filled.get(place.buffer) ?? 0) + 1
    filled.set(place.buffer, count)
    if (count < BATCH) return
    filled.delete(place.buffer)
    places.giveBack(place)
  }
  for (const source of cache ? sources : sources.slice(0, concurrency)) await fit(source)
  if (cache && !(await cache.keeps())) throw new ClipwrightError('ERR_IO', said.join(' '))

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const begin = performance.now()
  const end = begin + 1000 * o.seconds
  let [next, done] = [0, 0]
  const lane = async () => {
    // Each picture once at least.
    while (next < sources.length || performance.now() < end) {
      await fit(sources[next++ % sources.length]!)
      done++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  const seconds = (performance.now() - begin) / 1000
  delay.disable()
  await cache?.close()
  return {
    picturesPerSecond: done / seconds,
    pictures: sources.length,
    eventLoopP99Ms: delay.percentile(99) / 1e6,
    concurrency,
  }
}
