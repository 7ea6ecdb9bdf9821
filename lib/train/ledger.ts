/** What each sample of a run's data cost, in bounded memory: `ledger.safetensors` in its checkpoints. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import type { TypedArray } from '../base/types.js'
import { readSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { writeSafetensorsFrom } from '../checkpoint/formats/safetensors/writer.js'
import { LEDGER_NAME } from '../checkpoint/layouts/claim.js'

/** Samples that are kept at most, of larger data every so many one: 24 bytes each. */
const MOST = 4_000_000

/** What lies in the file: a row of numbers each, one for each sample that is kept. */
const ROWS = {
  /** How often it was seen. */
  seen: Int32Array,
  /** The step that saw it last; 0 for never. */
  last_step: Int32Array,
  /** Cross-entropies in nats, of its picture among the batch's captions and of its caption among the pictures. */
  image_last: Float32Array,
  text_last: Float32Array,
  image_mean: Float32Array,
  text_mean: Float32Array,
} as const
type Row = keyof typeof ROWS
const NAMES = Object.keys(ROWS) as Row[]

export type Rows = { [K in Row]: InstanceType<(typeof ROWS)[K]> }

export type Recorded = {
  rows: Rows
  /** Of all samples every so many one is kept: number i is that of sample i · stride. */
  stride: number
  /** Samples of the data. */
  size: number
  /** Pairs of a step, among which a loss of guessing is ln(batchSize). */
  batchSize: number
}

export class Ledger {
  readonly #recorded: Recorded

  constructor(recorded: Recorded) {
    this.#recorded = recorded
  }

  static of(size: number, batchSize: number, most = MOST): Ledger {
    const stride = Math.max(1, Math.ceil(size / most))
    const kept = Math.ceil(size / stride)
    const rows = Object.fromEntries(NAMES.map((name) => [name, new ROWS[name](kept)])) as Rows
    return new Ledger({ rows, stride, size, batchSize })
  }

  /** Of a checkpoint's folder; undefined where it has none. @throws ClipwrightError ERR_FORMAT, ERR_IO */
  static async read(folder: string): Promise<Ledger | undefined> {
    const path = join(folder, LEDGER_NAME)
    if (!existsSync(path)) return undefined
    const { tensors, metadata } = await readSafetensors(path)
    const [stride, size, batchSize] = ['stride', 'size', 'batch_size'].map((key) => Number(metadata[key])) as [
      number,
      number,
      number,
    ]
    const kept = Math.ceil(size / stride)
    const wrong = NAMES.find(
      (name) => !(tensors[name]?.data instanceof ROWS[name]) || tensors[name].data.length !== kept,
    )
    if (wrong !== undefined || !(kept > 0)) {
      throw new ClipwrightError(
        'ERR_FORMAT',
        `${path} is no ledger: expected ${kept} numbers in each row, and rows ${NAMES.join(', ')}.`,
      )
    }
    const rows = Object.fromEntries(NAMES.map((name) => [name, tensors[name]!.data])) as Rows
    return new Ledger({ rows, stride, size, batchSize })
  }

  get recorded(): Recorded {
    return this.#recorded
  }

  /**
   * What a step found of its pairs.
   * @param samples their numbers
   * @param image of each, the cross-entropy of its picture; `text`: of its caption. What is not finite is left out
   */
  note(samples: Int32Array, step: number, image: Float32Array, text: Float32Array): void {
    const { rows, stride } = this.#recorded
    for (const [i, sample] of samples.entries()) {
      if (sample % stride !== 0) continue
      const [x, y] = [image[i]!, text[i]!]
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue
      const at = sample / stride
      const seen = ++rows.seen[at]!
      rows.last_step[at] = step
      rows.image_last[at] = x
      rows.text_last[at] = y
      rows.image_mean[at]! += (x - rows.image_mean[at]!) / seen
      rows.text_mean[at]! += (y - rows.text_mean[at]!) / seen
    }
  }

  /** As it is now, to be written later. */
  taken(): Ledger {
    const { rows, ...rest } = this.#recorded
    const copies = Object.fromEntries(NAMES.map((name) => [name, rows[name].slice()])) as Rows
    return new Ledger({ rows: copies, ...rest })
  }

  /** @throws ClipwrightError ERR_IO */
  async write(folder: string): Promise<void> {
    const { rows, stride, size, batchSize } = this.#recorded
    const sources = NAMES.map((name) => {
      const data: TypedArray = rows[name]
      const dtype = data instanceof Int32Array ? 'I32' : 'F32'
      return [name, { shape: [data.length], dtype, read: () => data }] as const
    })
    const metadata = { stride: String(stride), size: String(size), batch_size: String(batchSize) }
    await writeSafetensorsFrom(join(folder, LEDGER_NAME), sources, { metadata })
  }
}

/**
 * Cross-entropies from what a step gives back of each of n pairs: log-sum-exp of its row, of its column, and its own logit.
 * @returns of pictures, and of captions
 */
export function lossesOf(statistics: Float32Array): { image: Float32Array; text: Float32Array } {
  const n = statistics.length / 3
  const own = statistics.subarray(2 * n)
  const less = (part: Float32Array) => part.map((lse, i) => lse - own[i]!)
  return { image: less(statistics.subarray(0, n)), text: less(statistics.subarray(n, 2 * n)) }
}
