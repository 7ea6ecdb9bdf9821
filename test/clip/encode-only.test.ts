/** Models that only encode: the same features, one form of each weight, and no way to train them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AdamW, Clip, InfoNCE, type LoadOptions } from '../../lib/index.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { trainStep } from '../../lib/optim/train-step.js'
import { images, TINY, TINY_CHINESE } from './tiny.js'

const TEXTS = ['a cat', 'two dogs in the snow']
/** With the tokenizer's whole vocabulary. */
const MODEL = { ...TINY, text_cfg: { ...TINY.text_cfg, vocab_size: 49408 } } as ModelConfig
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-encode-only-'))
  for (const [name, model] of [
    ['clip', await Clip.create(MODEL, { seed: 3 })],
    ['chinese', await Clip.create(TINY_CHINESE, { seed: 3 })],
  ] as const) {
    await model.save(join(folder, name))
    await model.dispose()
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function features(name: string, options: LoadOptions): Promise<number[]> {
  await using clip = await Clip.load(join(folder, name), options)
  const [a, b] = [
    await clip.encodeImages(images(3)),
    await clip.encodeTexts(name === 'chinese' ? ['猫', '两只狗'] : TEXTS),
  ]
  return [...a.data, ...b.data]
}

const furthest = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))

describe('a model that only encodes', () => {
  it.each([
    ['clip', 'fp32', 1e-5],
    ['clip', 'bf16', 0.02],
    ['clip', 'fp16', 1e-3],
    ['chinese', 'fp32', 1e-5],
    ['chinese', 'bf16', 0.02],
  ] as const)('encodes as one that learns: %s in %s', async (name, precision, most) => {
    const [learning, encoding] = [
      await features(name, { precision }),
      await features(name, { precision, trainable: false }),
    ]
    expect(furthest(encoding, learning)).toBeLessThan(most)
  })

  it.each(['clip', 'chinese'])('encodes nearly so in int8: %s', async (name) => {
    const [exact, rounded] = [await features(name, {}), await features(name, { precision: 'int8' })]
    const far = furthest(rounded, exact)
    expect(far).toBeLessThan(0.05)
    expect(far).toBeGreaterThan(1e-5)
  })

  it('has its values, rounded where its products read them', async () => {
    await using learning = await Clip.load(join(folder, 'clip'))
    await using encoding = await Clip.load(join(folder, 'clip'), { trainable: false })
    for (const [i, parameter] of encoding.parameters().entries()) {
      const [held, exact] = [await parameter.read(), await learning.parameters()[i]!.read()]
      expect(Buffer.from(held.data.buffer).equals(Buffer.from(exact.data.buffer)), parameter.name).toBe(true)
    }
    await encoding.save(join(folder, 'again'))
    expect(await features('again', {})).toEqual(await features('clip', {}))
  })

  it.each<[LoadOptions, RegExp]>([
    [{ trainable: false }, /trainable: false/],
    [{ precision: 'int8' }, /precision: 'int8'/],
  ])('refuses all that trains, and says why: %j', async (options, why) => {
    await using clip = await Clip.load(join(folder, 'clip'), options)
    const refused = { code: 'ERR_UNSUPPORTED', message: expect.stringMatching(why) }
    const batch = { images: images(2), tokens: TEXTS }
    await expect(clip.forwardBackward(batch, new InfoNCE())).rejects.toMatchObject(refused)
    await expect(trainStep(clip, {} as AdamW, batch, new InfoNCE())).rejects.toMatchObject(refused)
    expect(() => new AdamW(clip, { lr: 1e-3 })).toThrow(why)
    expect(() => clip.addLora({ rank: 2 })).toThrow(why)
    await expect(clip.mergeLora()).rejects.toMatchObject(refused)
    const [first] = clip.parameters()
    expect(first!.trainable).toBe(false)
    expect(() => Object.assign(first!, { trainable: true })).toThrow(why)
    await expect(first!.readGrad()).rejects.toMatchObject(refused)
    await expect(first!.write(await first!.read())).rejects.toMatchObject(refused)
    expect((await clip.encodeTexts(TEXTS)).shape).toEqual([2, 16])
  })

  it('refuses int8 that is to learn, and adapters', async () => {
    const refused = { code: 'ERR_UNSUPPORTED' }
    const path = join(folder, 'clip')
    await expect(Clip.load(path, { precision: 'int8', trainable: true })).rejects.toMatchObject(refused)
    await expect(Clip.load(path, { lora: path, trainable: false })).rejects.toMatchObject(refused)
  })

  it('draws what a file lacks', async () => {
    const options = { strict: false, seed: 9, onReport: () => {} }
    const [learning, encoding] = [
      await features('clip', options),
      await features('clip', { ...options, trainable: false }),
    ]
    expect(furthest(encoding, learning)).toBeLessThan(1e-5)
  })
})
