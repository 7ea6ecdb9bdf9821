import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clipwright, modelAndPictures, unwrapped } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('clipwright', () => {
  it('convert writes another layout and says so in one sentence, which inspect bears out', async () => {
    const out = join(folder, 'hf')
    const told = await clipwright('convert', model, out, '--layout', 'hf', '--dtype', 'bf16')
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(unwrapped(told.stdout)).toMatch(
      /^\S+hf holds \d+\.\d\d M parameters in layout hf as bf16, from \S+ in layout open_clip\.\n$/,
    )
    const shown = JSON.parse((await clipwright('inspect', out, '--json')).stdout)
    expect(shown).toMatchObject({
      family: 'CLIP',
      origin: { layout: 'hf', architectures: ['CLIPModel'] },
      license: null,
    })
    expect(shown.memory).toEqual({ fp32: 4 * shown.parameters, bf16: 2 * shown.parameters })
    expect(shown.bytes).toBe(shown.memory.bf16)
    const json = JSON.parse((await clipwright('convert', model, out, '--layout', 'hf', '--json')).stdout)
    expect(json).toMatchObject({ to: { path: out, layout: 'hf', dtype: 'fp32' }, parameters: shown.parameters })
  })

  it('convert refuses other layouts as wrong usage, and folders of others', async () => {
    const wrong = await clipwright('convert', model, join(folder, 'x'), '--layout', 'caffe')
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('open_clip, hf, openai, reference-cn') })
    const others = await clipwright('convert', model, folder, '--layout', 'hf')
    expect(others).toMatchObject({ code: 1, stderr: expect.stringContaining('preprocessor_config.json') })
  })
})
