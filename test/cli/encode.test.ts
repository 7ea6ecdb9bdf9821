import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { clipwright, modelAndPictures, unwrapped } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('clipwright', () => {
  it('encode writes embeddings with their ids', async () => {
    const out = join(folder, 'images.safetensors')
    expect(
      await clipwright(
        'encode',
        '--model',
        model,
        '--images',
        join(folder, '{red,green,blue}.png'),
        '--out',
        out,
        '--json',
      ),
    ).toMatchObject({ code: 0 })
    const { tensors, metadata } = await readSafetensors(out)
    const paths = JSON.parse(metadata.ids!) as string[]
    expect(paths).toEqual(['blue', 'green', 'red'].map((name) => join(folder, `${name}.png`)))
    const clip = await Clip.load(model, { trainable: false }) // as the command does: the same bits
    const expected = await clip.encodeImages(paths)
    await clip.dispose()
    expect(tensors.embeddings).toMatchObject({ shape: [3, 64] })
    expect([...(tensors.embeddings!.data as Float32Array)]).toEqual([...expected.data])

    const texts = join(folder, 'texts.safetensors')
    await clipwright('encode', '--model', model, '--texts', join(folder, 'texts.txt'), '--out', texts)
    const file = await readSafetensors(texts)
    expect(JSON.parse(file.metadata.ids!)).toEqual([1, 3])
    expect(file.tensors.embeddings!.shape).toEqual([2, 64])
  })

  it('encode changes the size of pictures and the length of texts, and refuses texts that do not fit', async () => {
    const out = join(folder, 'changed.safetensors')
    const run = (...flags: string[]) => clipwright('encode', '--model', model, '--out', out, '--threads', '1', ...flags)
    const picture = join(folder, 'red.png')
    const clip = await Clip.load(model, { threads: 1, trainable: false, imageSize: 64, contextLength: 5 })
    expect(await run('--images', picture, '--image-size', '64')).toMatchObject({ code: 0 })
    const ofImage = await readSafetensors(out)
    expect([...(ofImage.tensors.embeddings!.data as Float32Array)]).toEqual([
      ...(await clip.encodeImages([picture])).data,
    ])
    const [long, flags] = [join(folder, 'long.txt'), ['--context-length', '5', '--truncation']]
    await writeFile(long, 'one two three four five six\n')
    const cut = await run('--texts', long, ...flags, 'cut')
    expect(cut.code).toBe(0)
    expect(unwrapped(cut.stderr)).toContain(
      "1 of 1 text is longer than the model's context of 5 tokens and lost its end",
    )
    const ofText = await readSafetensors(out)
    expect([...(ofText.tensors.embeddings!.data as Float32Array)]).toEqual([
      ...(await clip.encodeTexts('one two three four five six')).data,
    ])
    await clip.dispose()
    const refused = await run('--texts', long, ...flags, 'error')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/has 8 tokens.*the model takes 5/) })
    const wrong = await run('--images', picture, '--image-size', '63')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('63') })
  })

  it('encode replaces nothing but embeddings', async () => {
    const out = join(folder, 'notes.safetensors')
    await writeFile(out, 'mine')
    const refused = await clipwright('encode', '--model', model, '--texts', join(folder, 'texts.txt'), '--out', out)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('no file of embeddings') })
    expect(await readFile(out, 'utf8')).toBe('mine')
  })

  it('encode refuses to write its file under the name of another kind', async () => {
    const out = join(folder, 't.npy')
    const refused = await clipwright('encode', '--model', model, '--texts', join(folder, 'texts.txt'), '--out', out)
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--out: expected a name that ends in .safetensors/),
    })
    expect(await readdir(folder)).not.toContain('t.npy')
  })

  it('encode takes a name that looks like a pattern for the file of this name', async () => {
    const [odd, plain] = ['red[1].png', 'red1.png'].map((name) => join(folder, name))
    for (const copy of [odd!, plain!]) await copyFile(join(folder, 'red.png'), copy)
    const out = join(folder, 'odd.safetensors')
    await clipwright('encode', '--model', model, '--images', odd!, '--out', out)
    expect(JSON.parse((await readSafetensors(out)).metadata.ids!)).toEqual([odd])
  })
})
