/** Folders of SigLIP's models, in transformers' layout and in open_clip's: loaded, trained, converted, saved, refused. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AdamW, Clip, convert, inspectModel, readSafetensors, SigLip, type Tokens } from '../../../../../lib/index.js'
import { lock } from '../../../../../lib/optim/lock.js'
import { maxDifference, meanDifference, readGolden } from '../../../../clip/golden.js'
import { TINY } from '../../../../clip/tiny.js'
import { rejection } from '../../../weights.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-hf-siglip-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'))
const GOLDENS = [
  ['hf-siglip', 'model.safetensors'],
  ['openclip-siglip', 'open_clip_model.safetensors'],
] as const

describe.each(GOLDENS)('%s', (name, file) => {
  it('comes back with the names, shapes and values it had, by saving and by converting', async () => {
    const { path, layout } = await readGolden(name)
    const { tensors } = await readSafetensors(join(path, file))
    await using clip = await Clip.load(path)
    await clip.save(join(folder, 'saved'), { layout })
    await convert(path, join(folder, 'converted'), { layout })
    for (const where of ['saved', 'converted'])
      expect((await readSafetensors(join(folder, where, file))).tensors).toEqual(tensors)
  })

  it('is trained, saved, and loaded as it was', async () => {
    const golden = await readGolden(name)
    await using clip = await Clip.load(golden.path)
    const optimizer = new AdamW(clip, { lr: 1e-3 })
    for (const _ of golden.trainLosses) {
      await clip.forwardBackward(golden, new SigLip())
      await optimizer.step()
    }
    await clip.save(join(folder, 'm'), { layout: golden.layout })
    const { tensors } = await readSafetensors(join(folder, 'm', file))
    expect(Object.keys(tensors).sort()).toEqual([...golden.after.keys()].sort())
    for (const [key, values] of golden.after)
      expect(meanDifference(tensors[key]!.data as Float32Array, values), key).toBeLessThanOrEqual(2e-5)
    await using again = await Clip.load(join(folder, 'm'))
    expect((await again.encodeImages(golden.images)).data).toEqual((await clip.encodeImages(golden.images)).data)
    expect((await again.encodeTexts(golden.tokens)).data).toEqual((await clip.encodeTexts(golden.tokens)).data)
  })
})

describe("SiglipModel's folder", () => {
  it("becomes open_clip's, and SiglipModel's again, without a change in any weight", async () => {
    const golden = await readGolden('hf-siglip')
    const { tensors } = await readSafetensors(join(golden.path, 'model.safetensors'))
    await convert(golden.path, join(folder, 'own'), { layout: 'open_clip' })
    const { model_cfg } = await json(folder, 'own', 'open_clip_config.json')
    expect(model_cfg).toMatchObject({ custom_text: true, vision_cfg: { timm_pool: 'map' } })
    await using own = await Clip.load(join(folder, 'own'))
    expect(maxDifference((await own.encodeImages(golden.images)).data, golden.imageFeatures)).toBeLessThanOrEqual(2e-5)
    expect(maxDifference((await own.encodeTexts(golden.tokens)).data, golden.textFeatures)).toBeLessThanOrEqual(2e-5)
    await convert(join(folder, 'own'), join(folder, 'hf'), { layout: 'hf' })
    expect((await readSafetensors(join(folder, 'hf/model.safetensors'))).tensors).toEqual(tensors)
    const [saved, original] = [await json(folder, 'hf/config.json'), await json(golden.path, 'config.json')]
    for (const tower of ['text_config', 'vision_config'])
      for (const key of ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'hidden_act'])
        expect(saved[tower][key], `${tower}.${key}`).toEqual(original[tower][key])
  })

  it('is inspected without a model', async () => {
    const { path } = await readGolden('hf-siglip')
    const { tensors } = await readSafetensors(join(path, 'model.safetensors'))
    const count = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0)
    expect(await inspectModel(path)).toMatchObject({ parameters: count })
  })

  it.each([
    ['says nothing', undefined],
    ['says half', { image_processor_type: 'SiglipImageProcessor', resample: 3 }],
  ])("has pictures as SigLIP's processor prepares them where its file %s", async (_, said) => {
    const { path } = await readGolden('hf-siglip')
    await cp(path, join(folder, 'm'), { recursive: true })
    await rm(join(folder, 'm/preprocessor_config.json'), { force: true })
    if (said) await writeFile(join(folder, 'm/preprocessor_config.json'), JSON.stringify(said))
    await using clip = await Clip.load(join(folder, 'm'))
    expect(clip.preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: 'squash' })
  })

  it('takes captions by its tokenizer.json, cleaned as its class does, and without one as ids alone', async () => {
    const { path } = await readGolden('hf-siglip')
    await using clip = await Clip.load(path)
    await expect(clip.encodeTexts(['a cat'])).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'tokenizer.json'))
    await cp(path, join(folder, 'm'), { recursive: true })
    const tokenizer = {
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: '</s>' } }],
        special_tokens: { '</s>': { ids: [1] } },
      },
      model: { type: 'WordLevel', unk_token: 'u', vocab: { u: 0, '</s>': 1, a: 2, cat: 3 } },
    }
    await writeFile(join(folder, 'm/tokenizer.json'), JSON.stringify(tokenizer))
    const config = { pad_token: '</s>', tokenizer_class: 'SiglipTokenizer' }
    await writeFile(join(folder, 'm/tokenizer_config.json'), JSON.stringify(config))
    await using texts = await Clip.load(join(folder, 'm'))
    const ids = { shape: [1, 3], data: Int32Array.of(2, 3, 1) } as Tokens
    const { data } = await texts.encodeTexts(['A_, cat!'])
    expect(data).toEqual((await clip.encodeTexts(ids)).data)
    for (const layout of ['hf', 'open_clip'] as const) {
      await texts.save(join(folder, layout), { layout })
      await using again = await Clip.load(join(folder, layout))
      expect((await again.encodeTexts(['A_, cat!'])).data).toEqual(data)
    }
  })

  it.each([
    ['ERR_FORMAT', 'projection_size 32 must be', { text_config: { projection_size: 32 } }],
    ['ERR_FORMAT', 'num_attention_heads 5 must divide', { vision_config: { num_attention_heads: 5 } }],
    ['ERR_FORMAT', 'vision_use_head', { vision_config: { vision_use_head: false } }],
    ['ERR_UNSUPPORTED', 'hidden_act "relu"', { text_config: { hidden_act: 'relu' } }],
  ])('%s: %s', async (code, message, config) => {
    const { path } = await readGolden('hf-siglip')
    await cp(path, join(folder, 'm'), { recursive: true })
    await writeFile(join(folder, 'm/config.json'), JSON.stringify({ model_type: 'siglip', ...config }))
    await expect(Clip.load(join(folder, 'm'))).rejects.toThrow(rejection(code, message))
  })
})

it("CLIPModel has no place for a logit_bias, and open_clip's folder has", async () => {
  await using clip = await Clip.create({ ...TINY, init_logit_bias: -10 })
  await expect(clip.save(join(folder, 'hf'), { layout: 'hf' })).rejects.toThrow(
    rejection('ERR_UNSUPPORTED', 'no logit_bias for a model of type "clip"'),
  )
  await clip.save(join(folder, 'own'))
  await using again = await Clip.load(join(folder, 'own'))
  const bias = again.parameters().find(({ name }) => name === 'logit_bias')
  expect([...(await bias!.read()).data]).toEqual([-10])
})

describe('fine-tuning', () => {
  it('with adapters alone learns, and merges into the same features', async () => {
    const golden = await readGolden('hf-siglip')
    await using clip = await Clip.load(golden.path)
    clip.addLora({ rank: 4, seed: 1 })
    const optimizer = new AdamW(clip, { lr: 3e-3 })
    const losses: number[] = []
    for (let step = 0; step < 4; step++) {
      losses.push((await clip.forwardBackward(golden, new SigLip())).loss)
      await optimizer.step()
    }
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!)
    const [images, texts] = [await clip.encodeImages(golden.images), await clip.encodeTexts(golden.tokens)]
    await clip.mergeLora()
    expect(maxDifference((await clip.encodeImages(golden.images)).data, images.data)).toBeLessThanOrEqual(1e-5)
    expect(maxDifference((await clip.encodeTexts(golden.tokens)).data, texts.data)).toBeLessThanOrEqual(1e-5)
  })

  // open_clip's group numbers of a tower of timm: what makes tokens, each block, what comes after them.
  it.each([
    [0, /^$/],
    [1, /^visual\.trunk\.(attn_pool)\./],
    [2, /^visual\.trunk\.(norm|attn_pool|blocks\.1)\./],
    [3, /^visual\.trunk\.(norm|attn_pool|blocks\.[01])\./],
  ])('locks all but the last %i groups of the image tower', async (unlocked, free) => {
    const golden = await readGolden('hf-siglip')
    await using clip = await Clip.load(golden.path)
    await clip.forwardBackward(golden, new SigLip())
    const all = await Promise.all(clip.parameters().map(async (p) => [p.name, (await p.readGrad()).data] as const))
    await using locked = await Clip.load(golden.path)
    lock(locked, { image: unlocked })
    await locked.forwardBackward(golden, new SigLip())
    for (const [i, parameter] of locked.parameters().entries()) {
      const [name, expected] = all[i]!
      const learns = !name.startsWith('visual.') || free.test(name)
      expect(parameter.trainable, name).toBe(learns)
      const { data } = await parameter.readGrad()
      if (learns) expect(data, name).toEqual(expected)
      else
        expect(
          data.every((x) => x === 0),
          name,
        ).toBe(true)
    }
  })
})
