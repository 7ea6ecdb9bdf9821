/** The names in TypeScript are those of the core: its messages list its own. */
import { describe, expect, it } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { sessionOf } from '../../lib/clip/session.js'
import { AdamW } from '../../lib/index.js'
import { describe as describeModel } from '../../lib/models/description.js'
import { modelConfig } from '../../lib/models/registry.js'
import { resolveModel } from '../../lib/models/resolve.js'
import { native } from '../../lib/native/addon.js'
import type { NativeModel } from '../../lib/native/model.js'
import {
  ACTIVATIONS,
  DISTRIBUTIONS,
  FILTERS,
  POOLERS,
  PRECISIONS,
  PROJECTIONS,
  REDUCTIONS,
  RULES,
  SLOTS,
} from '../../lib/native/names.js'

const listed = (names: readonly string[]) => `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** A model with a BERT tower whose field at the path is "novel". */
function model(...path: string[]): NativeModel {
  const { config, preprocess } = describeModel(modelConfig('self-cn/VIT-B-32'), {}, 'x')
  const resolved = structuredClone(resolveModel(config, preprocess, 'x'))
  const last = path.pop()!
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows
  const at = path.reduce<any>((o, key) => o[key], resolved)
  at[last] = 'novel'
  return resolved
}

describe('the core lists the names of', () => {
  it.each([
    ['activations', ACTIVATIONS, ['vision', 'activation']],
    ['poolers', POOLERS, ['text', 'bert', 'pooler']],
    ['projections', PROJECTIONS, ['text', 'bert', 'projection', 'kind']],
    ['distributions', DISTRIBUTIONS, ['text', 'bert', 'projection', 'init']],
  ] as const)('%s', (_, names, path) => {
    expect(() => native().parametersOf(model(...path))).toThrow(`expected ${listed(names)}, got novel`)
  })

  it('filters', () => {
    const options = { data: new Uint8Array(3), width: 1, height: 1, outWidth: 1, outHeight: 1 }
    const box: [number, number, number, number] = [0, 0, 1, 1]
    expect(() => native().resizePicture({ ...options, box, filter: 'novel' as never })).toThrow(
      `filter: expected ${listed(FILTERS)}, got novel`,
    )
  })

  it('precisions', () => {
    expect(() => native().productRate({ precision: 'novel', threads: 1 } as never)).toThrow(
      `expected ${listed(PRECISIONS)}, got novel`,
    )
  })

  it('rules, slots and reductions, and reads what one object names', async () => {
    await using clip = await Clip.create('ViT-tiny-test', { device: 'cpu', seed: 1 })
    const call = <T>(job: Parameters<ReturnType<typeof sessionOf>['call']>[0]) =>
      sessionOf(clip, 'test').call(job) as Promise<T>
    await expect(call((s) => s.read({ index: 0, slot: 'novel' as never }))).rejects.toThrow(
      `slot: expected ${listed(SLOTS)}, got novel`,
    )
    const spec = { rule: 'novel', beta1: 0, beta2: 0, eps: 0, momentum: 0 } as never
    await expect(call((s) => s.createOptimizer(spec))).rejects.toThrow(`expected ${listed(RULES)}, got novel`)
    const features = new Float32Array(64)
    const loss = { kind: 'infonce', reduction: 'novel' } as never
    await expect(call((s) => s.featureLoss(features, features, loss))).rejects.toThrow(
      `loss.reduction: expected ${listed(REDUCTIONS)}, got novel`,
    )
    await expect(call((s) => s.read({ index: 0, slot: 'm' }))).rejects.toThrow('say whose')
    const all = await call<Float32Array>((s) => s.read({ index: 0, slot: 'value' }))
    const some = await call<Float32Array>((s) => s.read({ index: 0, slot: 'value', first: 3, count: 2 }))
    expect(some).toEqual(all.slice(3, 5))
    const rest = await call<Float32Array>((s) => s.read({ index: 0, slot: 'value', first: all.length - 2 }))
    expect(rest).toEqual(all.slice(-2))
    await expect(call((s) => s.write({ index: 0, slot: 'value', data: some }))).rejects.toThrow('got 2')
    new AdamW(clip, { lr: 1e-3 })
    const moment = await call<Float32Array>((s) => s.read({ index: 0, slot: 'm', optimizer: 0, count: 2 }))
    expect(moment).toEqual(new Float32Array(2))
  })
})
