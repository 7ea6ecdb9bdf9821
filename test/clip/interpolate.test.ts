import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { interpolate } from '../../lib/clip/interpolate.js'
import { temporaryFolder } from '../train/pictures.js'
import { images, TINY, TINY_CHINESE } from './tiny.js'

const folder = temporaryFolder()
const [a, b, bare, chinese] = ['a', 'b', 'b.safetensors', 'zh'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
  string,
]
const WEIGHTS = 'open_clip_model.safetensors'
const weightsOf = async (path: string) => (await readSafetensors(join(path, WEIGHTS))).tensors

beforeAll(async () => {
  for (const [path, seed] of [
    [a, 1],
    [b, 2],
  ] as const) {
    await using clip = await Clip.create(TINY, { seed, threads: 1, interpolation: 'bilinear' })
    const scale = clip.parameters().find(({ name }) => name === 'logit_scale')!
    await scale.write({ shape: [], data: Float32Array.of(seed) })
    await clip.save(path)
    if (path === b) await clip.save(bare, { layout: 'openai' })
  }
})

describe('interpolate', () => {
  test('mixes every tensor, and gives the ends as they are', async () => {
    const [x, y] = [await weightsOf(a), await weightsOf(b)]
    for (const alpha of [0, 0.25, 1]) {
      const out = join(folder, `mixed-${alpha}`)
      const count = Object.values(x).reduce((sum, { data }) => sum + data.length, 0)
      expect(await interpolate(a, b, { alpha, out })).toEqual({ out, alpha, parameters: count })
      const mixed = await weightsOf(out)
      expect(Object.keys(mixed)).toEqual(Object.keys(x))
      for (const [name, { shape, data }] of Object.entries(mixed)) {
        expect(shape).toEqual(x[name]!.shape)
        const [p, q] = [x[name]!.data as Float32Array, y[name]!.data as Float32Array]
        expect(data, name).toEqual(p.map((value, i) => (1 - alpha) * value + alpha * q[i]!))
      }
    }
    await using clip = await Clip.load(join(folder, 'mixed-0.25'), { threads: 1 })
    expect(clip.preprocess.interpolation).toBe('bilinear')
    expect(await clip.logitScale()).toBeCloseTo(Math.exp(1.25), 4)
    expect((await clip.encodeImages(images(1))).data.every(Number.isFinite)).toBe(true)
  })

  test('takes other layouts and a file that does not say its model, and writes one file', async () => {
    const { tensors } = await readSafetensors(bare)
    const silent = join(folder, 'silent.safetensors')
    const { writeSafetensors } = await import('../../lib/checkpoint/formats/safetensors/safetensors.js')
    await writeSafetensors(silent, tensors)
    const outs = [b, bare, silent].map((_, i) => join(folder, `from-${i}.safetensors`))
    for (const [i, path] of [b, bare, silent].entries()) await interpolate(a, path, { alpha: 0.5, out: outs[i]! })
    const expected = (await readSafetensors(outs[0]!)).tensors
    for (const out of outs.slice(1)) expect((await readSafetensors(out)).tensors).toEqual(expected)
    const turned = join(folder, 'turned.safetensors')
    await interpolate(silent, a, { alpha: 0.5, out: turned })
    expect((await readSafetensors(turned)).tensors).toEqual(expected)
    await expect(interpolate(silent, silent, { alpha: 0.5, out: turned })).rejects.toThrow(/does not say which model/)
    await interpolate(silent, silent, { alpha: 0.5, out: turned, model: TINY })
  })

  test('takes the entry of a key in the files that have it', async () => {
    const { tensors } = await readSafetensors(join(b, WEIGHTS))
    const { writeSafetensors } = await import('../../lib/checkpoint/formats/safetensors/safetensors.js')
    const under = (key: string) => Object.entries(tensors).map(([name, tensor]) => [`${key}.${name}`, tensor] as const)
    const nested = join(folder, 'nested.safetensors')
    await writeSafetensors(nested, Object.fromEntries([...under('student'), ...under('teacher')]))
    const [out, plain] = [join(folder, 'keyed'), join(folder, 'plain')]
    await interpolate(a, b, { alpha: 0.5, out: plain })
    await expect(interpolate(a, nested, { alpha: 0.5, out })).rejects.toThrow(/weights under several keys/)
    for (const pair of [
      [a, nested],
      [nested, a],
    ] as const) {
      await interpolate(...pair, { alpha: 0.5, out, key: 'teacher' })
      expect(await weightsOf(out)).toEqual(await weightsOf(plain))
    }
    await expect(interpolate(a, b, { alpha: 0.5, out, key: 'teacher' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/neither .* nor .* holds weights under the key "teacher"/),
    })
  })

  test('mixes BERT towers, whose layouts split what the core has in one', async () => {
    const other = join(folder, 'zh-hf')
    for (const [path, seed, layout] of [
      [chinese, 3, 'open_clip'],
      [other, 4, 'hf'],
    ] as const) {
      await using clip = await Clip.create(TINY_CHINESE, { seed, threads: 1 })
      await clip.save(path, { layout })
      if (layout === 'hf') await clip.save(join(folder, 'zh-4'))
    }
    const outs = [join(folder, 'zh-4'), other].map((path, i) => ({ path, out: join(folder, `zh-out-${i}`) }))
    for (const { path, out } of outs) await interpolate(chinese, path, { alpha: 0.75, out })
    const expected = await weightsOf(outs[0]!.out)
    expect(await weightsOf(outs[1]!.out)).toEqual(expected)
    const [p, q] = [await weightsOf(chinese), await weightsOf(join(folder, 'zh-4'))]
    for (const [name, { data }] of Object.entries(expected)) {
      const [x, y] = [p[name]!.data as Float32Array, q[name]!.data as Float32Array]
      expect(data, name).toEqual(x.map((value, i) => 0.25 * value + 0.75 * y[i]!))
    }
  })

  test('rounds to a dtype, and may take the place of what it reads', async () => {
    await using clip = await Clip.load(a, { threads: 1 })
    const own = join(folder, 'own')
    await clip.save(own)
    const half = join(folder, 'half')
    await interpolate(own, b, { alpha: 0.5, out: half, dtype: 'bf16' })
    expect((await weightsOf(half)).logit_scale!.dtype).toBe('BF16')
    await interpolate(own, b, { alpha: 1, out: own })
    expect(await weightsOf(own)).toEqual(await weightsOf(b))
  })

  describe('refuses', () => {
    const out = join(folder, 'none')
    afterAll(() => expect(existsSync(out)).toBe(false))

    test.each([
      [
        { ...TINY, vision_cfg: { ...TINY.vision_cfg, width: 16 } },
        ['vision.width', 'vision.heads', 'vision.mlpWidth'],
        /vision\.width 32 and 16/,
      ],
      [
        { ...TINY, quick_gelu: true },
        ['vision.activation', 'text.activation'],
        /vision\.activation "gelu" and "quick_gelu"/,
      ],
    ])('models that are unlike: %#', async (config, keys, message) => {
      const other = join(folder, `other-${keys[0]}`)
      await using clip = await Clip.create(config, { threads: 1 })
      await clip.save(other)
      await expect(interpolate(a, other, { alpha: 0.5, out })).rejects.toMatchObject({
        code: 'ERR_MISMATCH',
        keys,
        message: expect.stringMatching(message),
      })
    })

    test('weights that are not the model they claim to be', async () => {
      const lying = join(folder, 'lying')
      await using clip = await Clip.create({ ...TINY, embed_dim: 8 }, { threads: 1 })
      await clip.save(lying)
      writeFileSync(join(lying, 'open_clip_config.json'), readFileSync(join(a, 'open_clip_config.json')))
      await expect(interpolate(a, lying, { alpha: 0.5, out })).rejects.toMatchObject({ code: 'ERR_MISMATCH' })
    })

    test.each([
      [{ alpha: 1.5, out }, 'ERR_INVALID_ARGUMENT', /option "alpha": expected a number of at most 1, got 1\.5/],
      [{ alpha: Number.NaN, out }, 'ERR_INVALID_ARGUMENT', /option "alpha"/],
      [{ alpha: 0.5 } as { alpha: number; out: string }, 'ERR_INVALID_ARGUMENT', /option "out"/],
      [{ alpha: 0.5, out: `${out}.pt` }, 'ERR_UNSUPPORTED', /none\.pt/],
      [{ alpha: 0.5, out: folder }, 'ERR_INVALID_ARGUMENT', /is a folder without open_clip_config\.json/],
    ])('%j', async (options, code, message) => {
      await expect(interpolate(a, b, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    })

    test('a path without a checkpoint', async () => {
      await expect(interpolate(a, join(folder, 'nowhere'), { alpha: 0.5, out })).rejects.toMatchObject({
        code: 'ERR_NOT_FOUND',
      })
    })
  })
})
