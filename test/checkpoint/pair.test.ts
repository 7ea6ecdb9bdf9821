/** The towers of CLIPModel in folders of their own: CLIPVisionModelWithProjection and CLIPTextModelWithProjection. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Clip, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { maxDifference, readGolden } from '../clip/golden.js'
import { rejection } from './weights.js'

let folder: string
let vision: string
let text: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-pair-'))
  vision = join(folder, 'image_encoder')
  text = join(folder, 'text_encoder')
  const { path } = await readGolden('hf-clip')
  const { vision_config, text_config } = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
  const { tensors } = await readSafetensors(join(path, 'model.safetensors'))
  const halves = [
    [vision, 'CLIPVisionModelWithProjection', vision_config, /^vis/],
    [text, 'CLIPTextModelWithProjection', text_config, /^text/],
  ] as const
  for (const [at, architecture, config, ours] of halves) {
    await mkdir(at)
    await writeFile(join(at, 'config.json'), JSON.stringify({ architectures: [architecture], ...config }))
    const held = Object.entries(tensors).filter(([name]) => ours.test(name))
    const plain = held.map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(join(at, 'model.safetensors'), Object.fromEntries(plain))
  }
})
afterEach(() => rm(folder, { recursive: true }))

const change = async (at: string, said: object) => {
  const config = JSON.parse(await readFile(join(at, 'config.json'), 'utf8'))
  await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, ...said }))
}

describe('two towers', () => {
  it('are one model, whose scale is the one that training ends with', async () => {
    const golden = await readGolden('hf-clip')
    await using clip = await Clip.load(vision, { text })
    const [images, texts] = [await clip.encodeImages(golden.images), await clip.encodeTexts(golden.tokens)]
    expect(maxDifference(images.data, golden.imageFeatures)).toBeLessThanOrEqual(2e-5)
    expect(maxDifference(texts.data, golden.textFeatures)).toBeLessThanOrEqual(2e-5)
    expect(await clip.logitScale()).toBeCloseTo(100, 3)
    await clip.save(join(folder, 'whole'), { layout: 'hf' })
    await using again = await Clip.load(join(folder, 'whole'))
    expect((await again.encodeTexts(golden.tokens)).data).toEqual(texts.data)
  })

  it('are asked for together', async () => {
    for (const path of [vision, text]) {
      await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_UNSUPPORTED', /one tower of CLIPModel; .*\{ text: /))
    }
    const named = Clip.load(vision, { text, model: 'ViT-B-32' })
    await expect(named).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'leave out "model"'))
  })

  it('are refused when they are no pair', async () => {
    const swapped = Clip.load(text, { text: vision })
    await expect(swapped).rejects.toThrow(rejection('ERR_FORMAT', '"model_type"'))
    await expect(Clip.load(vision, { text: folder })).rejects.toThrow(rejection('ERR_NOT_FOUND', 'config.json'))
    await change(text, { projection_dim: 31 })
    await expect(Clip.load(vision, { text })).rejects.toThrow(rejection('ERR_MISMATCH', /projection_dim 32.* 31: /))
    await change(text, { projection_dim: 32 })
    const { tensors } = await readSafetensors(join(vision, 'model.safetensors'))
    const plain = Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(join(text, 'model.safetensors'), Object.fromEntries(plain))
    await expect(Clip.load(vision, { text })).rejects.toThrow(rejection('ERR_MISMATCH', 'both hold'))
    await rm(join(text, 'model.safetensors'))
    await expect(Clip.load(vision, { text })).rejects.toThrow(rejection('ERR_NOT_FOUND', 'holds no weights'))
  })
})
