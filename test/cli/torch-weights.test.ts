import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { archive, pickle, stateDict, zip } from '../checkpoint/formats/pickle/assemble.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('a file of weights from PyTorch', () => {
  let file: string
  beforeAll(async () => {
    file = join(folder, 'weights.pth')
    const { tensors } = await readSafetensors(join(model, 'open_clip_model.safetensors'))
    const [root, storages] = stateDict(tensors, 'module.')
    await writeFile(file, zip(archive(pickle(root), storages)))
  })

  it('can be inspected', async () => {
    const { code, stdout } = await clipwright('inspect', file, '--json')
    expect(code).toBe(0)
    const { tensors } = await readSafetensors(join(model, 'open_clip_model.safetensors'))
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ path: file, model: null, metadata: {} })
    const shapes = (list: { name: string; shape: number[] }[]) => list.map(({ name, shape }) => [name, shape])
    expect(shapes(found.tensors)).toEqual(shapes(Object.entries(tensors).map(([name, t]) => ({ name, ...t }))))
  })

  it('predicts what its folder does, once its model is named', async () => {
    const what = ['--image', join(folder, 'red.png'), '--text', 'red', '--text', 'blue', '--json', '--threads', '1']
    const nameless = await clipwright('predict', '--model', file, ...what)
    expect(nameless).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/--architecture.*ViT-tiny-test/),
    })
    const named = await clipwright('predict', '--model', file, '--architecture', 'ViT-tiny-test', ...what)
    const whole = await clipwright('predict', '--model', model, ...what)
    expect(named).toMatchObject({ code: 0, stdout: whole.stdout })
    expect(JSON.parse(named.stdout)[0].results.length).toBe(2)
  })
})
