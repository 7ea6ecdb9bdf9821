/** Reference cases of open_clip and what may differ from them: see test/goldens of the same name. */
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Tensor, Tokens } from '../../lib/base/types.js'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import type { Layout } from '../../lib/checkpoint/layouts/ids.js'
import type { LoadOptions } from '../../lib/clip/open-options.js'
import type { Loss } from '../../lib/loss/loss.js'
import { makeLoss } from '../../lib/loss/table.js'
import { CASES, lossOf, placeOf } from './golden-places.mjs'

export type Golden = {
  /** What `Clip.load` is given. */
  path: string
  options: LoadOptions
  /** Whose names the gradients have. */
  layout: Layout
  images: Tensor
  tokens: Tokens
  imageFeatures: Float32Array
  textFeatures: Float32Array
  loss: number
  /** What it is the value of. */
  objective: Loss
  logitScale: number
  gradients: Map<string, Float32Array>
  /** Of five AdamW steps on the batch. */
  trainLosses: number[]
  after: Map<string, Float32Array>
}

export { CASES }

export async function readGolden(name: string): Promise<Golden> {
  const folder = fileURLToPath(new URL(`../goldens/${name}`, import.meta.url))
  const { tensors } = await readSafetensors(`${folder}/golden.safetensors`)
  const floats = (key: string) => tensors[key]!.data as Float32Array
  const under = (prefix: string) =>
    new Map(
      Object.keys(tensors)
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), floats(key)]),
    )
  return {
    ...placeOf(name, folder),
    images: { shape: tensors['input.images']!.shape, data: floats('input.images') },
    tokens: {
      shape: tensors['input.tokens']!.shape as Tokens['shape'],
      data: tensors['input.tokens']!.data as Int32Array,
    },
    imageFeatures: floats('out.image_features'),
    textFeatures: floats('out.text_features'),
    loss: floats('out.loss')[0]!,
    objective: makeLoss({ loss: lossOf(folder), reduction: 'mean' }),
    logitScale: floats('out.logit_scale')[0]!,
    gradients: under('grad.'),
    trainLosses: [...floats('train.losses')],
    after: under('after.'),
  }
}

export function largest(values: Float32Array): number {
  return values.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
}

export function maxDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]!)), 0)
}

export function meanDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0) / a.length
}

/** The smallest cosine between rows of equal index. */
export function minCosine(a: Float32Array, b: Float32Array, dim: number): number {
  expect(a.length).toBe(b.length)
  let min = 1
  for (let row = 0; row < a.length; row += dim) {
    let [ab, aa, bb] = [0, 0, 0]
    for (let i = row; i < row + dim; i++) {
      ab += a[i]! * b[i]!
      aa += a[i]! ** 2
      bb += b[i]! ** 2
    }
    min = Math.min(min, ab / Math.sqrt(aa * bb))
  }
  return min
}

export function expectRelative(value: number, expected: number, tolerance: number): void {
  expect(Math.abs(value - expected), `${value} for ${expected}`).toBeLessThanOrEqual(tolerance * Math.abs(expected))
}

/** Every gradient, by name, within 1e-4 of the tensor's largest, plus 1e-6. */
export function expectGradients(found: Map<string, Float32Array>, expected: Map<string, Float32Array>): void {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [name, want] of expected) {
    expect(maxDifference(found.get(name)!, want), name).toBeLessThanOrEqual(1e-4 * largest(want) + 1e-6)
  }
}
