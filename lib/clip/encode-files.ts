/** Features of files of pictures or of texts, into a file. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { Tensor } from '../base/types.js'
import { readTextLines } from '../files/text-lines.js'
import { findImages, isFolder } from '../image/find-images.js'
import type { BadImage } from '../image/preprocess.js'
import { requireAgreement } from '../ranks/agree.js'
import { ALONE, type World } from '../ranks/world.js'
import type { Truncation } from '../tokenizer/truncation.js'
import type { Clip } from './clip.js'
import { cutTextsWarning } from './cut-texts.js'
import { requireRoomForEmbeddings, writeEmbeddings } from './embedding-file.js'
import { type EncodeProgress, progressOf } from './encode-progress.js'
import { callback, encodeShape, truncationSchema } from './encode-shape.js'
import { encodeShared } from './encode-shared.js'
import { requireFiniteFeatures } from './finite-features.js'
import type { LoadOptions } from './open-options.js'
import { leavingOut, type SkippedImage, skippedImages } from './skipped-images.js'
import { pathOf, withModel } from './with-model.js'

/** What is encoded, and where to. Either pictures or texts. */
export type EncodeFilesOptions = {
  /** Paths of pictures, folders, of which all pictures are taken, or patterns such as 'photos/2024-*.jpg'. */
  images?: readonly string[]
  /** A file of one text per line. */
  texts?: string
  /** The file to write, whose name ends in .safetensors. What lies there is replaced only when it is such a file, too. */
  out: string
  /** Leaves out pictures that cannot be read, and lists them; by default where `images` has a folder. */
  skipBad?: boolean
  /** Is told at the start and after each batch how far it is. */
  onProgress?: (progress: EncodeProgress) => void
  /** Whether texts that are longer than the context are cut ('cut', the default) or an error. */
  truncation?: Truncation
  /** Pictures or texts at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`; nothing is written then. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** What was written: `count` rows of `dim` numbers; `skipped` has none. Of texts that were cut `warnings` says how many. */
export type EncodedFiles = { out: string; count: number; dim: number; skipped: SkippedImage[]; warnings: string[] }

const schema = z.strictObject({
  images: z.array(z.string()).optional(),
  texts: z.string().optional(),
  out: z.string().regex(/.\.safetensors$/i, { error: 'expected a name that ends in .safetensors' }),
  skipBad: z.boolean().optional(),
  onProgress: callback<NonNullable<EncodeFilesOptions['onProgress']>>(),
  truncation: truncationSchema,
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
export function encodeFiles(model: Clip | string, options: EncodeFilesOptions): Promise<EncodedFiles> {
  return encodeFilesOn(ALONE, model, options)
}

/** `encodeFiles` by ranks that are all given the same; the first writes. @throws as it does, and ERR_MISMATCH where they are not */
export async function encodeFilesOn(
  world: World,
  model: Clip | string,
  options: EncodeFilesOptions,
): Promise<EncodedFiles> {
  const o = parseOptions(schema, options, 'encodeFiles')
  const { images, texts, out } = o
  if ((images === undefined) === (texts === undefined)) throw invalid('encodeFiles: expected either images or texts')
  if (world.rank === 0) await requireRoomForEmbeddings(out)
  const input = images ? { paths: await findImages(images), skipBad: o.skipBad ?? images.some(isFolder) } : undefined
  const lines = texts === undefined ? undefined : await readTextLines(texts)
  const inputs = createHash('sha256')
    .update(JSON.stringify(input?.paths ?? lines!.lines))
    .digest('hex')
  const facts = { '--model': pathOf(model), '--batch-size': o.batchSize, 'the list of inputs': inputs }
  await requireAgreement(world, facts, 'encode: all ranks must encode the same')
  return withModel(model, { threads: world.threads, ...o.load }, async (clip, name) => {
    const shared = encodeShared(clip, world, o.batchSize)
    const { embeddings, ids, bad } = input
      ? await encodePictures(shared, input.paths, input.skipBad, o)
      : await encodeLines(shared, lines!, o)
    requireFiniteFeatures(embeddings, name)
    if (world.rank === 0) await writeEmbeddings(out, embeddings, ids)
    const [count, dim] = embeddings.shape as [number, number]
    const cut = lines && cutTextsWarning(clip, lines.lines, o.truncation, 'encodeFiles')
    return { out, count, dim, skipped: skippedImages(bad), warnings: cut ? [cut] : [] }
  })
}

type Parsed = z.output<typeof schema>
type Encoded = { embeddings: Tensor; ids: (string | number)[]; bad: BadImage[] }

type Shared = ReturnType<typeof encodeShared>

async function encodePictures(
  shared: Shared,
  paths: string[],
  skipBad: boolean,
  { batchSize, signal, onProgress }: Parsed,
): Promise<Encoded> {
  const progress = progressOf('images', onProgress)
  const {
    result: embeddings,
    bad,
    isThere,
  } = await leavingOut(skipBad, paths.length, (onBadImage) =>
    shared.images(paths, { batchSize, signal, onBadImage, ...progress }),
  )
  return { embeddings, ids: paths.filter(isThere), bad }
}

async function encodeLines(
  shared: Shared,
  { lines, numbers }: { lines: string[]; numbers: number[] },
  { batchSize, signal, onProgress, truncation }: Parsed,
): Promise<Encoded> {
  const embeddings = await shared.texts(lines, { batchSize, signal, truncation, ...progressOf('texts', onProgress) })
  return { embeddings, ids: numbers, bad: [] }
}
