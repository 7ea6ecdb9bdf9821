/** Whether ONNX Runtime computes of the written graphs what the model does. */
import { basename, join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { packageVersion } from '../../../base/version.js'
import { seesPadding } from '../../../models/sees-padding.js'
import type { NativeModel } from '../../../native/model.js'
import type { Probed, Probes } from '../layout.js'
import { findRuntime, type Runtime } from './runtime.js'

export const PARITY_NAME = 'parity.json'

/** What is compared: features are not normalised, but for those of `model`. */
export type Parity =
  | { checked: false; reason: string }
  | {
      checked: true
      clipwright: string
      onnxruntime: string
      images: number
      texts: number
      /** Of any number of a feature from the model's own. */
      maxDifference: { vision_model: number; text_model: number; model: number }
      /** Of any number of a feature, beside which a difference is large or small. */
      largest: { image_embeds: number; text_embeds: number }
    }

const IMAGES = 2
const TEXTS = 3

/** Always the same, so that reports of two folders can be compared. Undefined without a runtime to compare with. */
export function probes({ vision, text }: NativeModel, tokenizerPadId: number): Probes | undefined {
  if ('missing' in findRuntime()) return undefined
  const padId = text.causal?.padId ?? tokenizerPadId
  const size = vision.imageSize
  const pixels = Float32Array.from({ length: IMAGES * 3 * size * size }, (_, i) => 4 * noise(i) - 2)
  const length = seesPadding(text) ? text.contextLength : Math.min(text.contextLength, 16)
  const lengths = Int32Array.of(length, Math.max(1, length >> 1), Math.min(2, length))
  const ids = new Int32Array(TEXTS * length).fill(padId)
  const last = text.vocabSize - 1
  for (const [row, count] of lengths.entries()) {
    for (let i = 0; i < count; i++) ids[row * length + i] = idOf(noise(row * length + i), last, padId)
    // The end, where a causal tower is pooled; to a BERT it is one id of many.
    ids[row * length + count - 1] = last
  }
  return {
    images: { shape: [IMAGES, 3, size, size], data: pixels },
    texts: { shape: [TEXTS, length], data: ids, lengths },
  }
}

/** Neither padding nor the last. */
function idOf(fraction: number, last: number, padId: number): number {
  const id = Math.floor(fraction * last)
  return id === padId ? (id + 1) % last : id
}

/** 0 .. 1 */
function noise(i: number): number {
  const x = Math.sin((i + 1) * 12.9898) * 43758.5453
  return x - Math.floor(x)
}

/**
 * @param folder of the graphs
 * @param suffix of their names
 * @throws ClipwrightError ERR_UNSUPPORTED when the runtime cannot run a graph
 */
export async function checkParity(
  folder: string,
  suffix: string,
  { embedDim }: NativeModel,
  probed: Probed | undefined,
): Promise<Parity> {
  const runtime = findRuntime()
  if ('missing' in runtime) return { checked: false, reason: runtime.missing }
  if (!probed) return { checked: false, reason: 'there was no model beside the weights that could compute features' }
  const feeds = feedsOf(runtime, probed.probes)
  const run = (name: string) => runGraph(runtime, join(folder, `${name}${suffix}.onnx`), feeds)
  const own = await probed.features
  const vision = (await run('vision_model')).image_embeds!.data
  const text = (await run('text_model')).text_embeds!.data
  const pair = await run('model')
  const ofPair = [
    difference(unit(own.images, embedDim), pair.image_embeds!.data),
    difference(unit(own.texts, embedDim), pair.text_embeds!.data),
  ]
  return {
    checked: true,
    clipwright: packageVersion(),
    onnxruntime: runtime.version,
    images: IMAGES,
    texts: TEXTS,
    maxDifference: {
      vision_model: difference(own.images, vision),
      text_model: difference(own.texts, text),
      model: largest(ofPair),
    },
    largest: { image_embeds: largest(own.images), text_embeds: largest(own.texts) },
  }
}

async function runGraph(runtime: Runtime, path: string, feeds: Readonly<Record<string, unknown>>) {
  try {
    const session = await runtime.open(path)
    try {
      return await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]])))
    } finally {
      await session.release()
    }
  } catch (cause) {
    const message = `ONNX Runtime ${runtime.version} does not run ${basename(path)} (${(cause as Error).message}), so nothing was saved.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message, { cause })
  }
}

function feedsOf(runtime: Runtime, { images, texts }: Probes): Record<string, unknown> {
  const [, length] = texts.shape as [number, number]
  const kept = Array.from(texts.data, (_, at) => (at % length < texts.lengths![Math.floor(at / length)]! ? 1n : 0n))
  return {
    pixel_values: runtime.tensor('float32', images.data, images.shape),
    input_ids: runtime.tensor('int64', BigInt64Array.from(texts.data, BigInt), texts.shape),
    attention_mask: runtime.tensor('int64', BigInt64Array.from(kept), texts.shape),
  }
}

/** Rows of length 1. */
function unit(values: Float32Array, width: number): Float32Array {
  const lengths = Array.from({ length: values.length / width }, (_, row) =>
    Math.hypot(...values.subarray(row * width, (row + 1) * width)),
  )
  return values.map((value, at) => value / lengths[Math.floor(at / width)]!)
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return largest(Array.from(a, (value, i) => value - b[i]!))
}
