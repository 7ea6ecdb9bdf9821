/** Writing a model's weights and description. */
import { extname } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { type Dtype, elementCount } from '../checkpoint/formats/dtypes.js'
import { claimOf } from '../checkpoint/layouts/claim.js'
import type { Probed, Probes, SavedModel, TensorNames } from '../checkpoint/layouts/layout.js'
import { writeWeights } from '../checkpoint/layouts/open-clip/weights.js'
import { toStored } from '../checkpoint/layouts/stored-parts.js'
import { isRead, LAYOUTS, type Layout, layoutOf } from '../checkpoint/layouts/table.js'
import { checkPath } from '../files/check-path.js'
import { replaceFolder } from '../files/replace-folder.js'
import type { Description } from '../models/description.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { type ModelSession, sessionOf } from './session.js'
import { packTokens } from './texts.js'

/** How weights are written. */
export type SaveOptions = {
  /** Whose names the tensors have; 'open_clip' by default. 'onnx' is a folder for transformers.js. */
  layout?: Layout
  /** What the weights are rounded to; 'fp32' by default, which keeps them exactly. 'onnx' has no bf16. */
  dtype?: Precision
}

const schema = z.strictObject({
  layout: z.enum(LAYOUTS).default('open_clip'),
  dtype: z.enum(PRECISIONS).default('fp32'),
})

const DTYPES = { fp32: 'F32', fp16: 'F16', bf16: 'BF16' } as const satisfies Record<Precision, Dtype>

/** How training saves. */
export type SaveManner = {
  /** Nothing changes the weights until they are saved: they need not be in memory all at once. */
  still?: boolean
  /** Writes more files into the folder before it takes its place; the folder then is complete or not there. */
  also?: { files: readonly string[]; write: (folder: string) => Promise<void> }
}

/** Saves a model, see `Clip.save`. */
export async function saveModel(
  clip: Description & { tokenizer: Tokenizer },
  path: string,
  options: SaveOptions,
  { still = false, also }: SaveManner = {},
): Promise<void> {
  const { layout, dtype } = parseOptions(schema, options, 'save')
  checkPath(path, 'save')
  const suffix = extname(path).toLowerCase()
  refuseOtherFiles(path, suffix)
  const alone = suffix === '.safetensors'
  if (alone && !isRead(layout)) {
    const message = `save: layout "${layout}" is that of a folder, but ${path} is the name of one file of weights; name a folder.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const { names, folder: format, write, probes } = layoutOf(layout, clip.config)
  const session = sessionOf(clip, 'save')
  const saved: SavedModel = {
    config: clip.config,
    preprocess: clip.preprocess,
    tokenizer: clip.tokenizer,
    contextLength: session.model.text.contextLength,
    tensors: tensorsOf(clip, names, still),
    dtype: DTYPES[dtype],
  }
  const asked = probes?.(session.model, clip.tokenizer.padId)
  if (asked) saved.probed = { probes: asked, features: featuresOf(session, asked) }
  if (alone) return writeWeights(path, saved)
  await replaceFolder(path, claimOf(format, also?.files), async (folder) => {
    await write(folder, saved)
    await also?.write(folder)
  })
}

/** Suffixes of files that hold a model elsewhere: a folder of such a name would be taken for one. */
const OTHER_FILES = new Set([
  '.pt',
  '.pth',
  '.bin',
  '.ckpt',
  '.onnx',
  '.gguf',
  '.h5',
  '.npz',
  '.pb',
  '.tflite',
  '.msgpack',
])

function refuseOtherFiles(path: string, suffix: string): void {
  if (!OTHER_FILES.has(suffix)) return
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `save: ${path} is the name of a file of type "${suffix}", which is not written; name a folder, or one file that ends in .safetensors.`,
  )
}

/** Queued at once, as reads are. */
function featuresOf(session: ModelSession, { images, texts }: Probes): Probed['features'] {
  const pixels = { data: images.data, count: images.shape[0]! }
  const tokens = packTokens(texts, session.model.text, false, 'save')
  const ofImages = session.call((native) => native.encodeImages(pixels, false))
  const ofTexts = session.call((native) => native.encodeTexts(tokens, false))
  const features = Promise.all([ofImages, ofTexts]).then(([images, texts]) => ({ images, texts }))
  features.catch(() => {}) // reported where they are waited for
  return features
}

/** Unless the model is still, all reads are queued at once, so that no step comes between them. */
function tensorsOf(clip: object, { partsOf }: TensorNames, still: boolean): SavedModel['tensors'] {
  const session = sessionOf(clip, 'save')
  session.check()
  return session.parameters.flatMap((parameter, index) =>
    partsOf(parameter).map((part) => {
      const { name, shape, first } = part
      const read = async () =>
        toStored(
          part,
          await session.call((native) => native.read({ index, slot: 'value', first, count: elementCount(shape) })),
        )
      if (still) return [name, { shape, read }] as const
      const values = read()
      values.catch(() => {}) // reported by the read that waits for it
      return [name, { shape, read: () => values }] as const
    }),
  )
}
