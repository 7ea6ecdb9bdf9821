/** Weights of 8 bits: written, measured, and read again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeBack } from '../../lib/eval/take-back.js'
import { Clip, convertToInt8, readSafetensors } from '../../lib/index.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { images, TINY } from '../clip/tiny.js'

let folder: string
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-int8-'))
  const model = { ...TINY, text_cfg: { ...TINY.text_cfg, vocab_size: 49408 } } as ModelConfig
  await using clip = await Clip.create(model, { seed: 3 })
  await clip.save(at('whole'))
  const list = []
  for (let i = 0; i < 12; i++) {
    const data = Buffer.from(Uint8Array.from({ length: 16 * 16 * 3 }, (_, j) => (j * (i + 3) * 37) % 256))
    await sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toFile(at(`${i}.png`))
    list.push({ image: `${i}.png`, caption: `caption number ${i}` })
  }
  await writeFile(at('val.json'), JSON.stringify(list))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const furthest = (a: Float32Array, b: Float32Array) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)

describe('convertToInt8', () => {
  it('writes what int8 makes of the weights, and the report with them', async () => {
    const done = await convertToInt8(at('whole'), at('int8'), { check: at('val.json'), maxDrop: 100 })
    expect(done.int8.kept).toEqual([])
    expect(done.int8.rounded).toContain('visual.transformer.resblocks.0.attn.in_proj_weight')
    expect(done.int8.rounded).not.toContain('visual.proj')
    expect(done.int8.check).toMatchObject({ data: at('val.json'), maxDrop: 100 })
    const { tensors, metadata } = await readSafetensors(at('int8/open_clip_model.safetensors'))
    expect(JSON.parse(metadata.int8_report!)).toEqual(done.int8)
    expect(tensors['visual.conv1.weight']).toMatchObject({ dtype: 'I8', shape: [32, 3, 8, 8] })
    expect(tensors['visual.conv1.weight_scale']).toMatchObject({ dtype: 'F32', shape: [32] })
    expect(tensors['visual.proj']!.dtype).toBe('BF16')
    expect(tensors['visual.ln_pre.weight']!.dtype).toBe('F32')
    await using stored = await Clip.load(at('int8'), { precision: 'int8' })
    await using made = await Clip.load(at('whole'), { precision: 'int8' })
    const [a, b] = [await stored.encodeImages(images(2)), await made.encodeImages(images(2))]
    expect(furthest(a.data, b.data)).toBeLessThan(5e-3) // the projection is of bf16 there
    await using widened = await Clip.load(at('int8'), { trainable: false })
    expect(furthest((await widened.encodeImages(images(2))).data, a.data)).toBeLessThan(0.05)
  })

  it('is not trained', async () => {
    await convertToInt8(at('whole'), at('int8-b'), {})
    await expect(Clip.load(at('int8-b'))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/8 bits/),
    })
  })
})

describe('takeBack', () => {
  const layers = (...falls: number[]) => {
    const kept: string[] = []
    return {
      kept,
      ways: {
        before: 60,
        maxDrop: 0.5,
        measure: async () => 60 - falls[kept.length]!,
        order: async () => ['b', 'a'],
        keep: async (layer: string) => void kept.push(layer),
      },
    }
  }

  it('takes layers back in order until recall is near enough', async () => {
    const { kept, ways } = layers(3, 0.5, 0)
    expect(await takeBack(ways)).toBe(59.5)
    expect(kept).toEqual(['b'])
  })

  it('does not ask for an order where nothing is wrong', async () => {
    const { kept, ways } = layers(-1)
    const order = () => Promise.reject(new Error('asked'))
    expect(await takeBack({ ...ways, order })).toBe(61)
    expect(kept).toEqual([])
  })

  it('refuses with both recalls when nothing is left to take back', async () => {
    const { kept, ways } = layers(3, 2, 1)
    await expect(takeBack(ways)).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/from 60.00 to 59.00, by more than 0.5 percentage points/),
    })
    expect(kept).toEqual(['b', 'a'])
  })
})
