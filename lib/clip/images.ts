/** Images as the core wants them, from arrays or from files. */
import { requireArray, requireFinite, requireShape } from '../base/arrays.js'
import { isArray, isUrl } from '../base/brands.js'
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { ImageSource, Images, Pixels, Tensor } from '../base/types.js'
import type { PictureCache } from '../image/picture-cache.js'
import { type BadImage, loadPixels } from '../image/preprocess.js'
import { type PreprocessConfig, preprocessOptions } from '../image/preprocess-config.js'
import { addressOf, type ImageAddress } from '../image/source.js'
import type { NativeImages } from '../native/batch.js'
import type { NativeModel } from '../native/model.js'

/**
 * Images, checked, that can be had a batch at a time; at once when nothing needs to be decoded. A batch is smaller where
 * pictures are bad and somebody is told of it.
 */
export type ImageBatches = {
  count: number
  read(from: number, to: number, signal?: AbortSignal): NativeImages | Promise<NativeImages>
}

/**
 * @param copy whether arrays must be copied now, because they are read after the caller has gone on
 * @param onBad is told of pictures that cannot be read, which are left out
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function imageBatches(
  images: Images,
  tower: NativeModel['vision'],
  preprocess: PreprocessConfig,
  copy: (count: number) => boolean,
  where: string,
  onBad?: (bad: BadImage) => void,
): ImageBatches {
  if (Array.isArray(images)) return fromSources(images, preprocess, where, onBad)
  if (typeof images === 'string' || isUrl(images) || isArray(images, 'Uint8Array')) {
    return fromSources([images], preprocess, where, onBad)
  }
  const { shape, data } = Object(images) as Partial<Tensor | Pixels>
  const size = tower.imageSize
  if (isArray(data, 'Float32Array')) {
    const [n] = requireShape(shape, [null, 3, size, size], `${where}.shape`, `[n, 3, ${size}, ${size}]`) as [number]
    const values = requireArray(data, 'Float32Array', n * 3 * size * size, `${where}.data`)
    requireFinite(values, `${where}.data`)
    return fromArray(copy(n) ? values.slice() : values, n)
  }
  if (isArray(data, 'Uint8Array')) {
    const [n] = requireShape(shape, [null, size, size, 3], `${where}.shape`, `[n, ${size}, ${size}, 3]`) as [number]
    const values = requireArray(data, 'Uint8Array', n * size * size * 3, `${where}.data`)
    return fromArray(copy(n) ? new Uint8Array(values) : values, n)
  }
  throw invalid(
    `${where}: expected a Tensor [n, 3, ${size}, ${size}] with a Float32Array, Pixels [n, ${size}, ${size}, 3] with a Uint8Array, or a path, a file: URL, encoded bytes or a list of these, got ${show(images)}`,
  )
}

function fromArray(data: Float32Array | Uint8Array, count: number): ImageBatches {
  const one = count > 0 ? data.length / count : 0
  return { count, read: (from, to) => ({ data: data.subarray(from * one, to * one), count: to - from }) }
}

function fromSources(
  sources: readonly ImageSource[],
  preprocess: PreprocessConfig,
  where: string,
  onBad: ((bad: BadImage) => void) | undefined,
): ImageBatches {
  return addressBatches(
    sources.map((source, i) => addressOf(source, `${where}[${i}]`)),
    preprocess,
    { onBad },
  )
}

/** Pictures that nobody changes. @param cache of pictures that were fitted before */
export function addressBatches(
  pictures: readonly ImageAddress[],
  preprocess: PreprocessConfig,
  { onBad, cache }: { onBad?: ((bad: BadImage) => void) | undefined; cache?: PictureCache | undefined },
): ImageBatches {
  const options = preprocessOptions(preprocess)
  const read = async (from: number, to: number, signal?: AbortSignal) => {
    const tell = onBad && ((bad: BadImage) => onBad({ ...bad, index: from + bad.index }))
    const pixels = await loadPixels(pictures.slice(from, to), { ...options, signal, cache, onBad: tell })
    return { data: pixels.data, count: pixels.shape[0] }
  }
  return { count: pictures.length, read }
}
