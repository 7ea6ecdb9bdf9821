/** Whether ONNX Runtime computes of the written graphs what the model does. */
import { join } from 'node:path'
import { packageVersion } from '../../../base/version.js'
import type { NativeModel } from '../../../native/model.js'
import type { ModelEncoder, SavedModel } from '../layout.js'
import { findRuntime, type Runtime } from './runtime.js'

export const PARITY_NAME = 'parity.json'

/** What is compared: features are not normalised. */
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

/**
 * @param folder of the graphs
 * @param suffix of their names
 */
export async function checkParity(
  folder: string,
  suffix: string,
  resolved: NativeModel,
  { encode, tokenizer }: SavedModel,
): Promise<Parity> {
  if (!encode)
    return { checked: false, reason: 'the weights were converted without a model that could compute features' }
  const runtime = findRuntime()
  if (!runtime) return { checked: false, reason: 'onnxruntime-node is not installed beside clipwright' }
  const probes = probesOf(resolved, tokenizer.padId)
  const own = await ownFeatures(encode, probes)
  const run = async (name: string) => {
    const session = await runtime.open(join(folder, `${name}${suffix}.onnx`))
    try {
      return await session.run(feedsOf(runtime, session.inputNames, probes))
    } finally {
      await session.release()
    }
  }
  const vision = (await run('vision_model')).image_embeds!.data
  const text = (await run('text_model')).text_embeds!.data
  const pair = await run('model')
  const images = unit(own.images, resolved.embedDim)
  const texts = unit(own.texts, resolved.embedDim)
  const ofPair = [difference(images, pair.image_embeds!.data), difference(texts, pair.text_embeds!.data)]
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

type Probes = {
  pixels: Float32Array<ArrayBuffer>
  size: number
  /** [TEXTS, length] */
  ids: Int32Array<ArrayBuffer>
  lengths: readonly number[]
  length: number
}

/** Always the same, so that reports of two folders can be compared. */
function probesOf({ vision, text }: NativeModel, padId: number): Probes {
  const size = vision.imageSize
  const pixels = Float32Array.from({ length: IMAGES * 3 * size * size }, (_, i) => 4 * noise(i) - 2)
  const length = Math.min(text.contextLength, 16)
  const lengths = [length, Math.max(2, length >> 1), 2]
  const ids = new Int32Array(TEXTS * length).fill(padId)
  const last = text.vocabSize - 1
  for (const [row, count] of lengths.entries()) {
    for (let i = 0; i < count; i++) ids[row * length + i] = idOf(noise(row * length + i), last, padId)
    // The end, where a causal tower is pooled; to a BERT it is one id of many.
    ids[row * length + count - 1] = last
  }
  return { pixels, size, ids, lengths, length }
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

async function ownFeatures(encode: ModelEncoder, { pixels, size, ids, length }: Probes) {
  const images = encode.images({ shape: [IMAGES, 3, size, size], data: pixels })
  const texts = encode.texts({ shape: [TEXTS, length], data: ids })
  return { images: (await images).data, texts: (await texts).data }
}

function feedsOf(runtime: Runtime, names: readonly string[], { pixels, size, ids, lengths, length }: Probes) {
  const kept = Array.from(ids, (_, at) => (at % length < lengths[Math.floor(at / length)]! ? 1n : 0n))
  const feeds: Record<string, unknown> = {
    pixel_values: runtime.tensor('float32', pixels, [IMAGES, 3, size, size]),
    input_ids: runtime.tensor('int64', BigInt64Array.from(ids, BigInt), [TEXTS, length]),
    attention_mask: runtime.tensor('int64', BigInt64Array.from(kept), [TEXTS, length]),
  }
  return Object.fromEntries(names.map((name) => [name, feeds[name]]))
}

/** Rows of length 1. */
function unit(values: Float32Array, width: number): Float32Array {
  const lengths = Array.from({ length: values.length / width }, (_, row) =>
    Math.hypot(...values.subarray(row * width, (row + 1) * width)),
  )
  return values.map((value, at) => value / lengths[Math.floor(at / width)]!)
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return largest(Array.from(a, (value, i) => value - b[i]!))
}
