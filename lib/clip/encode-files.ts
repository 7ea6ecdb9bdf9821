/** Features of files of pictures or of texts, into a file. */
import { z } from 'zod'
import { invalid } from '../base/arrays.js'
import { parseOptions } from '../base/options.js'
import { writeSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { readTextLines } from '../files/text-lines.js'
import { findImages } from '../image/find-images.js'
import type { Clip, LoadOptions } from './clip.js'
import { encodeShape } from './encode.js'
import { requireFiniteFeatures } from './finite-features.js'
import { withModel } from './with-model.js'

/** What is encoded, and where to. Either pictures or texts. */
export type EncodeFilesOptions = {
  /** Paths of pictures, or patterns such as 'photos/2024-*.jpg'. */
  images?: readonly string[]
  /** A file of one text per line. */
  texts?: string
  /** The safetensors file to write. */
  out: string
  /** Pictures or texts at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`; nothing is written then. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** What was written: `count` rows of `dim` numbers. */
export type EncodedFiles = { out: string; count: number; dim: number }

const schema = z.strictObject({
  images: z.array(z.string()).optional(),
  texts: z.string().optional(),
  out: z.string(),
  batchSize: encodeShape.batchSize,
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Writes a tensor `embeddings` [count, embed_dim], of length 1, with the rows' `ids` in the metadata as JSON: paths of
 * pictures, or numbers of lines from 1.
 * @param model a model, or the path of one, which is then loaded, once the inputs are found, and disposed afterwards
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_IMAGE naming the picture, ERR_DATA, ERR_FORMAT, ERR_IO,
 *   what `Clip.load` throws; `signal.reason` when aborted
 *
 * @example
 * await encodeFiles('runs/mine/checkpoints/best', { images: ['photos/*.jpg'], out: 'photos.safetensors' })
 */
export async function encodeFiles(model: Clip | string, options: EncodeFilesOptions): Promise<EncodedFiles> {
  const { images, texts, out, load, batchSize, signal } = parseOptions(schema, options, 'encodeFiles')
  if ((images === undefined) === (texts === undefined)) throw invalid('encodeFiles: expected either images or texts')
  const source = images ? { paths: await findImages(images) } : await readTextLines(texts!)
  return withModel(model, load, async (clip, name) => {
    const encode = { batchSize, ...(signal && { signal }) }
    const embeddings =
      'paths' in source ? await clip.encodeImages(source.paths, encode) : await clip.encodeTexts(source.lines, encode)
    requireFiniteFeatures(embeddings, name)
    const ids = 'paths' in source ? source.paths : source.numbers
    await writeSafetensors(out, { embeddings }, { metadata: { ids: JSON.stringify(ids) } })
    const [count, dim] = embeddings.shape as [number, number]
    return { out, count, dim }
  })
}
