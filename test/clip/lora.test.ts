import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { InfoNCE } from '../../lib/loss/info-nce.js'
import { AdamW } from '../../lib/optim/rules.js'
import { trainStep } from '../../lib/optim/train-step.js'
import { temporaryFolder } from '../train/pictures.js'
import { images, pixels, TINY, TINY_CHINESE, tokens } from './tiny.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)

async function learn(clip: Clip, steps = 2): Promise<void> {
  const optimizer = new AdamW(clip, { lr: 1e-2 })
  for (let i = 0; i < steps; i++)
    await trainStep(clip, optimizer, { images: images(4), tokens: tokens(4) }, new InfoNCE())
}
const features = async (clip: Clip) => [
  ...(await clip.encodeImages(pixels(3))).data,
  ...(await clip.encodeTexts(tokens(2))).data,
]

test('adapters alone learn; saved apart, saved merged and merged in place they compute the same', async () => {
  await using base = await Clip.create(TINY, { seed: 3, threads: 1 })
  await base.save(path('base'))
  await using clip = await Clip.load(path('base'), { threads: 1 })
  const before = await features(clip)
  const own = clip.parameters().length
  clip.addLora({ rank: 2, alpha: 4 })
  expect(await features(clip)).toEqual(before)
  const added = clip.parameters().slice(own)
  expect(added).toHaveLength(2 * 8)
  expect(added[0]).toMatchObject({
    name: 'visual.transformer.resblocks.0.attn.in_proj_weight.lora_A',
    shape: [2, 32],
    trainable: true,
  })
  expect(
    clip
      .parameters()
      .slice(0, own)
      .every(({ trainable }) => !trainable),
  ).toBe(true)
  expect(() => {
    clip.parameters().find(({ name }) => name.endsWith('in_proj_weight'))!.trainable = true
  }).toThrow('call mergeLora first')
  expect(() => clip.addLora({ rank: 2 })).toThrow('has adapters already')
  await learn(clip)
  const learned = await features(clip)
  expect(learned).not.toEqual(before)

  await clip.save(path('adapters'), { layout: 'lora' })
  await clip.save(path('merged'))
  await using again = await Clip.load(path('base'), { lora: path('adapters'), threads: 1 })
  expect(await features(again)).toEqual(learned)
  await using merged = await Clip.load(path('merged'), { threads: 1 })
  expect(await features(merged)).toEqual(learned)
  await clip.mergeLora()
  expect(await features(clip)).toEqual(learned)
  expect(clip.parameters()).toHaveLength(own)
  expect(clip.parameters().every(({ trainable }) => trainable)).toBe(true)
  await expect(clip.mergeLora()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  await expect(clip.save(path('none'), { layout: 'lora' })).rejects.toThrow('has no adapters')
})

test("files are peft's: its names, its configuration", async () => {
  await using clip = await Clip.create(TINY, { threads: 1 })
  clip.addLora({ rank: 2, targets: /^visual.*(attn|c_fc)/ })
  await clip.save(path('peft'), { layout: 'lora' })
  const { tensors } = await readSafetensors(join(path('peft'), 'adapter_model.safetensors'))
  const block = 'base_model.model.visual.transformer.resblocks.0'
  expect(Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]))).toEqual({
    [`${block}.attn.lora_A.weight`]: [2, 32],
    [`${block}.attn.lora_B.weight`]: [96, 2],
    [`${block}.attn.base_layer.out_proj.lora_A.weight`]: [2, 32],
    [`${block}.attn.base_layer.out_proj.lora_B.weight`]: [32, 2],
    [`${block}.mlp.c_fc.lora_A.weight`]: [2, 32],
    [`${block}.mlp.c_fc.lora_B.weight`]: [128, 2],
  })
  expect(JSON.parse(readFileSync(join(path('peft'), 'adapter_config.json'), 'utf8'))).toMatchObject({
    peft_type: 'LORA',
    r: 2,
    lora_alpha: 2,
    target_modules: ['visual.transformer.resblocks.0.attn', 'visual.transformer.resblocks.0.mlp.c_fc'],
  })
})

test('q, k and v of a BERT have adapters of their own', async () => {
  await using clip = await Clip.create(TINY_CHINESE, { threads: 1 })
  await clip.save(path('chinese'))
  clip.addLora({ rank: 3, targets: /attention\.(self\.)?(query|value)|attention.*[qv]/ })
  await learn(clip)
  await clip.save(path('chinese-lora'), { layout: 'lora' })
  await using again = await Clip.load(path('chinese'), { lora: path('chinese-lora'), threads: 1 })
  const encode = async (c: Clip) => (await c.encodeTexts(['你好', '世界'])).data
  expect(await encode(again)).toEqual(await encode(clip))
  await clip.save(path('chinese-merged'))
  await using merged = await Clip.load(path('chinese-merged'), { threads: 1 })
  expect(await encode(merged)).toEqual(await encode(clip))
})

test('adapters of other weights, of another model and of another kind are refused', async () => {
  await using clip = await Clip.create(TINY, { seed: 1, threads: 1 })
  await clip.save(path('one'))
  clip.addLora({ rank: 2 })
  await clip.save(path('of-one'), { layout: 'lora' })
  await using other = await Clip.create(TINY, { seed: 2, threads: 1 })
  await other.save(path('two'))
  await expect(Clip.load(path('two'), { lora: path('of-one') })).rejects.toMatchObject({
    code: 'ERR_MISMATCH',
    message: expect.stringContaining('other weights'),
  })
  await using wide = await Clip.create({
    ...TINY,
    vision_cfg: { ...TINY.vision_cfg, width: 48, head_width: 16 },
  } as typeof TINY)
  await wide.save(path('wide'))
  await expect(Clip.load(path('wide'), { lora: path('of-one') })).rejects.toMatchObject({
    code: 'ERR_MISMATCH',
    keys: expect.arrayContaining(['base_model.model.visual.transformer.resblocks.0.mlp.c_fc.lora_B.weight']),
  })
  await expect(Clip.load(path('one'), { lora: path('two') })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  const config = join(path('of-one'), 'adapter_config.json')
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace('"bias": "none"', '"bias": "all"'))
  await expect(Clip.load(path('one'), { lora: path('of-one') })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  writeFileSync(config, text)
  // As peft writes it: nothing says whose it is.
  const weights = join(path('of-one'), 'adapter_model.safetensors')
  await writeSafetensors(weights, (await readSafetensors(weights)).tensors as never)
  await (await Clip.load(path('two'), { lora: path('of-one') })).dispose()
})

test.each([
  [{ rank: 0 }, 'rank'],
  [{ rank: 2, targets: /nothing/ }, 'matches none of the blocks'],
  [{ rank: 2, targets: /proj$/ }, 'matches none of the blocks'],
])('addLora(%o) is refused', async (options, message) => {
  await using clip = await Clip.create(TINY)
  expect(() => clip.addLora(options)).toThrow(message)
})
