import { describe, expect, it } from 'vitest'
import { writeSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { model } = modelAndPictures()

describe('clipwright', () => {
  it('inspect shows the model and its tensors', async () => {
    const { stdout } = await clipwright('inspect', model, '--json')
    const shown = JSON.parse(stdout)
    expect(shown.model.embed_dim).toBe(64)
    expect(shown.tensors.find((t: { name: string }) => t.name === 'visual.proj')).toMatchObject({
      dtype: 'F32',
      shape: [64, 64],
    })
    expect(shown.parameters).toBe(
      shown.tensors.reduce((n: number, t: { shape: number[] }) => n + t.shape.reduce((a, b) => a * b, 1), 0),
    )
  })

  it('inspect takes the weights under a key, and lists the keys of a file of several models', async () => {
    const several = model.replace(/[^/]*$/, 'several.safetensors')
    const tensors = Object.fromEntries(
      ['student', 'teacher'].flatMap((model) =>
        Array.from({ length: 9 }, (_, i) => [`${model}.w${i}`, { shape: [2], data: Float32Array.of(i, i) }]),
      ),
    )
    await writeSafetensors(several, tensors)
    expect(await clipwright('inspect', several)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\("student", "teacher"\); say which as .* --key student\.\n$/),
    })
    const { code, stdout } = await clipwright('inspect', several, '--key', 'teacher', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ parameters: 18, model: null })
    expect((await clipwright('inspect', several, '--key', 'nobody')).stderr).toContain('under "student", "teacher"')
  })

  it('inspect shows what the name of a model stands for', async () => {
    const { code, stdout } = await clipwright('inspect', 'ViT-B-32', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ name: 'ViT-B-32', parameters: 151277313, model: { embed_dim: 512 } })
    expect((await clipwright('inspect', 'ViT-B-32')).stdout).toContain('151.28 M parameters')
    const unknown = await clipwright('inspect', 'ViT-B-33')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/neither a folder nor a file.*ViT-B-32/) })
    expect((await clipwright('inspect', 'nosuch')).stderr).toBe(
      'clipwright: There is no model at nosuch: neither a folder nor a file. It is no name of a built-in model either; clipwright models lists all names (listModels()).\n',
    )
  })
})
