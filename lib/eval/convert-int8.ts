/** Weights of 8 bits, and whether the model still finds what it found. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { Tensor } from '../base/types.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { roundToBfloat16, widenBfloat16 } from '../checkpoint/formats/half-precision.js'
import { roundRows, SCALE_SUFFIX } from '../checkpoint/formats/scaled.js'
import type { SavedModel, TensorNames } from '../checkpoint/layouts/layout.js'
import { type StoredPart, toStored } from '../checkpoint/layouts/stored-parts.js'
import { requireRoomForModel, saveCheckpoint } from '../checkpoint/save.js'
import { WeightReader } from '../checkpoint/weight-reader.js'
import { Clip } from '../clip/clip.js'
import { encodeAddresses } from '../clip/encode-addresses.js'
import { encodeShape } from '../clip/encode-shape.js'
import type { LoadOptions } from '../clip/open-options.js'
import { type ModelSession, sessionOf } from '../clip/session.js'
import { openSource } from '../data/open.js'
import { HUB_SHAPE, hubOf } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import { type EvalSet, evalSet } from './eval-set.js'
import { rankSet } from './rank.js'
import { takeBack } from './take-back.js'

/** What is measured, and how the weights are found. */
export type ConvertInt8Options = HubOptions & {
  /** Data as `evaluateModel` takes them, of whose recall `maxDrop` is said. Without, nothing is measured. */
  check?: string
  /** How far `r_mean` may fall, in percentage points; 0.5 by default. */
  maxDrop?: number
  /** Of `check`, where it has splits; 'test' by default. */
  split?: string
  /** Pictures or captions at a time; 64 by default. */
  batchSize?: number
  /** The model of the weights, instead of what the path says about them. */
  model?: LoadOptions['model']
  /** Which entry of a nested file holds the weights. */
  key?: string
  threads?: number
  signal?: AbortSignal
}

/** What was rounded, and what it cost. It is kept with the weights, as JSON in their metadata under `int8_report`. */
export type Int8Report = {
  /** Weights of 8 bits. */
  rounded: string[]
  /** Layers that stayed as bf16, in the order in which they were taken back. */
  kept: string[]
  /** `r_mean` in percent, of the weights as they were and as they are written; null where nothing was measured. */
  check: { data: string; maxDrop: number; before: number; after: number } | null
}

/** What was converted, and what it cost. */
export type Int8Conversion = {
  from: { path: string }
  to: { path: string; dtype: 'int8' }
  parameters: number
  int8: Int8Report
}

const schema = z.strictObject({
  ...HUB_SHAPE,
  check: z.string().min(1).optional(),
  maxDrop: z.number().min(0).default(0.5),
  split: z.string().optional(),
  batchSize: encodeShape.batchSize,
  model: z.custom<LoadOptions['model']>().optional(),
  key: z.string().min(1).optional(),
  threads: z.int().min(1).optional(),
  signal: encodeShape.signal,
})

type Parsed = z.output<typeof schema>

/** Pictures and captions by which layers are compared. */
const SAMPLE = 32

/**
 * Writes a checkpoint whose products read weights of 8 bits: `Clip.load(output, { precision: 'int8' })`. Where recall falls by
 * more than `maxDrop`, layers are taken back to bf16, those first whose rounding moves the features most.
 * @param output a folder in open_clip's layout, or a file that ends in .safetensors; open_clip itself cannot read it
 * @throws ClipwrightError ERR_UNSUPPORTED naming both recalls where it falls by more whatever is taken back; what `Clip.load`,
 *   `evaluateModel` and `Clip.save` throw; `signal.reason` when aborted
 */
export async function convertToInt8(
  input: string,
  output: string,
  options: ConvertInt8Options = {},
): Promise<Int8Conversion> {
  const o = parseOptions(schema, options, 'convertToInt8')
  await requireRoomForModel(output, 'convertToInt8')
  const set =
    o.check === undefined ? undefined : await evalSet(await openSource(o.check, { split: o.split, use: 'test' }))
  const hub = hubOf(o)
  const load = {
    device: 'cpu' as const,
    ...hub,
    ...(o.model !== undefined && { model: o.model }),
    ...(o.key !== undefined && { key: o.key }),
    ...(o.threads !== undefined && { threads: o.threads }),
  }
  const exact = set && (await exactly(input, load, set, o))
  const reader = await WeightReader.open(input, o.model, o.key, hub)
  try {
    const clip = await Clip.load(input, { ...load, precision: 'int8' })
    try {
      const layers = new Layers(sessionOf(clip, 'convertToInt8'), reader)
      const check = set && exact ? await taken(clip, layers, set, exact, o) : null
      const int8 = { rounded: layers.rounded, kept: layers.kept, check }
      const { config, preprocess, tokenizer } = clip
      const contextLength = sessionOf(clip, 'convertToInt8').model.text.contextLength
      const tensors = (names: TensorNames) => layers.tensors(names)
      const metadata = { int8_report: JSON.stringify(int8) }
      const model = { config, preprocess, tokenizer, contextLength, tensors, metadata }
      await saveCheckpoint(output, { layout: 'open_clip', dtype: 'fp32' }, 'convertToInt8', model)
      return { from: { path: reader.path }, to: { path: output, dtype: 'int8' }, parameters: reader.count, int8 }
    } finally {
      await clip.dispose()
    }
  } finally {
    await reader.close()
  }
}

type Exact = { recall: number; features: Tensor[] }

async function exactly(input: string, load: LoadOptions, set: EvalSet, o: Parsed): Promise<Exact> {
  const clip = await Clip.load(input, { ...load, trainable: false })
  try {
    return { recall: await recallOf(clip, set, o), features: await sampled(clip, set, o) }
  } finally {
    await clip.dispose()
  }
}

async function recallOf(clip: Clip, set: EvalSet, { batchSize, signal }: Parsed): Promise<number> {
  return (await rankSet(clip, set, { batchSize, signal, name: 'the model' })).recall.r_mean
}

async function sampled(clip: Clip, { images, captions }: EvalSet, { batchSize, signal }: Parsed): Promise<Tensor[]> {
  const encode = { batchSize, ...(signal && { signal }) }
  return [
    await encodeAddresses(clip, images.slice(0, SAMPLE), encode),
    await clip.encodeTexts(captions.slice(0, SAMPLE), encode),
  ]
}

/** Takes layers back until recall is near enough. */
async function taken(clip: Clip, layers: Layers, set: EvalSet, exact: Exact, o: Parsed): Promise<Int8Report['check']> {
  const after = await takeBack({
    before: exact.recall,
    maxDrop: o.maxDrop,
    measure: () => recallOf(clip, set, o),
    order: () => byHarm(clip, layers, set, exact, o),
    keep: (layer) => layers.keep(layer),
  })
  return { data: o.check!, maxDrop: o.maxDrop, before: exact.recall, after }
}

/** Layers, those first without whose rounding the features come nearest to what they were. */
async function byHarm(clip: Clip, layers: Layers, set: EvalSet, exact: Exact, o: Parsed): Promise<string[]> {
  const left = new Map<string, number>()
  for (const layer of layers.names) {
    await layers.write(layer, false)
    left.set(layer, distance(await sampled(clip, set, o), exact.features))
    await layers.write(layer, true)
  }
  return [...left].sort(([, a], [, b]) => a - b).map(([layer]) => layer)
}

/** Sum of squares. */
function distance(a: readonly Tensor[], b: readonly Tensor[]): number {
  let sum = 0
  for (const [i, { data }] of a.entries()) for (let j = 0; j < data.length; j++) sum += (data[j]! - b[i]!.data[j]!) ** 2
  return sum
}

/** A model's rounded weights, layer by layer: a block of a tower, or a weight that is in none. */
class Layers {
  /** Public names of weights. */
  readonly #of = new Map<string, number[]>()
  readonly #session: ModelSession
  readonly #reader: WeightReader
  readonly kept: string[] = []

  constructor(session: ModelSession, reader: WeightReader) {
    this.#session = session
    this.#reader = reader
    for (const [index, { rounded, publicName }] of session.own.entries()) {
      if (!rounded) continue
      const layer = /^.*?\.\d+(?=\.)/.exec(publicName)?.[0] ?? publicName
      this.#of.set(layer, [...(this.#of.get(layer) ?? []), index])
    }
  }

  get names(): string[] {
    return [...this.#of.keys()]
  }

  get rounded(): string[] {
    return [...this.#indices()].map((index) => this.#session.own[index]!.publicName)
  }

  /** Of those that are left. */
  #indices(): Set<number> {
    return new Set([...this.#of].filter(([layer]) => !this.kept.includes(layer)).flatMap(([, indices]) => indices))
  }

  async keep(layer: string): Promise<void> {
    this.kept.push(layer)
    await this.write(layer, false)
  }

  /** Writes a layer's weights anew, to be rounded to 8 bits or to bf16. */
  async write(layer: string, rounded: boolean): Promise<void> {
    for (const index of this.#of.get(layer)!) {
      const data = await this.#reader.read(index)
      if (!rounded) toBf16(data)
      await this.#session.call((native) => native.setRounded(index, rounded))
      await this.#session.call((native) => native.write({ index, slot: 'value', data }))
    }
  }

  /** What is written: rounded weights with their scales, vectors as f32, other matrices as bf16. */
  tensors({ partsOf }: TensorNames): SavedModel['tensors'] {
    const rounded = this.#indices()
    return this.#session.own.flatMap((parameter, index) =>
      partsOf(parameter).flatMap((part) => this.#stored(index, part, rounded.has(index))),
    )
  }

  #stored(index: number, part: StoredPart, rounded: boolean): SavedModel['tensors'] {
    const { name, shape, first } = part
    const count = elementCount(shape)
    const read = async () => toStored(part, (await this.#reader.read(index)).subarray(first, first + count))
    if (!rounded) return [[name, { shape, read, dtype: shape.length > 1 ? 'BF16' : 'F32' }]]
    const rows = shape[0]!
    return [
      [name, { shape, dtype: 'I8', read: async () => roundRows(await read(), rows).integers }],
      [name + SCALE_SUFFIX, { shape: [rows], dtype: 'F32', read: async () => roundRows(await read(), rows).scales }],
    ]
  }
}

function toBf16(values: Float32Array): void {
  const narrow = new Uint16Array(values.length)
  roundToBfloat16(values, narrow)
  widenBfloat16(narrow, values)
}
