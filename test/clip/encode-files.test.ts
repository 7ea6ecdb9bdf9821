import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { encodeFiles } from '../../lib/clip/encode-files.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { MODEL } from '../train/runs.js'

const folder = temporaryFolder()
const path = (...names: string[]) => join(folder, ...names)
const picture = (i: number) => path('set', `${i}.png`)
let clip: Clip
beforeAll(async () => {
  clip = await Clip.create(MODEL, { threads: 1, seed: 3 })
  await clip.save(path('model'))
  await captionList(folder, 'set', 6)
  // A folder with one below it, a bad picture, and what is none.
  await mkdir(path('photos', 'below'), { recursive: true })
  await copyFile(picture(0), path('photos', 'b.PNG'))
  await copyFile(picture(1), path('photos', 'below', 'c.jpeg'))
  await writeFile(path('photos', 'a.jpg'), 'no picture')
  for (const name of ['.DS_Store', '.hidden.png', 'notes.txt', 'list.json']) await writeFile(path('photos', name), name)
})
afterAll(() => clip.dispose())

async function written(out: string) {
  const { tensors, metadata } = await readSafetensors(out)
  return { data: [...(tensors.embeddings!.data as Float32Array)], ids: JSON.parse(metadata.ids!) }
}

describe('encodeFiles', () => {
  test('takes all pictures of a folder and below it, and leaves out the bad ones', async () => {
    const out = path('photos.safetensors')
    const result = await encodeFiles(clip, { images: [path('photos'), picture(2)], out, batchSize: 2 })
    const ids = [path('photos', 'b.PNG'), path('photos', 'below', 'c.jpeg'), picture(2)]
    const error = expect.stringContaining('is no picture that is known here')
    expect(result).toEqual({
      out,
      count: 3,
      dim: 64,
      skipped: [{ image: path('photos', 'a.jpg'), error }],
      warnings: [],
    })
    const { data } = await clip.encodeImages(ids)
    const found = await written(out)
    expect(found.ids).toEqual(ids)
    for (const [i, x] of found.data.entries()) expect(x).toBeCloseTo(data[i]!, 6)
  })

  test('names a bad picture otherwise, and writes nothing', async () => {
    const out = path('bad.safetensors')
    const bad = path('photos', 'a.jpg')
    for (const o of [{ images: [picture(0), bad] }, { images: [path('photos')], skipBad: false }])
      await expect(encodeFiles(clip, { ...o, out })).rejects.toMatchObject({
        code: 'ERR_IMAGE',
        message: expect.stringContaining(bad),
      })
    await expect(encodeFiles(clip, { images: [bad, bad], out, skipBad: true })).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('None of the 2 pictures can be read'),
    })
    await expect(readFile(out)).rejects.toThrow('ENOENT')
    expect(await encodeFiles(clip, { images: [picture(0), bad, picture(1)], out, skipBad: true })).toMatchObject({
      count: 2,
      skipped: [{ image: bad }],
    })
  })

  test.each(['*.png', 'below'])('says when nothing is found in %s', async (what) => {
    const empty = path('empty')
    await mkdir(join(empty, 'below'), { recursive: true })
    const images = [join(empty, what)]
    await expect(encodeFiles(clip, { images, out: path('x.safetensors') })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining(what),
    })
  })

  test('tells how far it is', async () => {
    const seen: unknown[] = []
    await writeFile(path('texts.txt'), 'one\ntwo\n\nthree\n')
    const onProgress = (progress: unknown) => void seen.push(progress)
    const o = { out: path('progress.safetensors'), batchSize: 2, onProgress }
    await encodeFiles(clip, { ...o, texts: path('texts.txt') })
    expect((await written(o.out)).ids).toEqual([1, 2, 4])
    await encodeFiles(clip, { ...o, images: [picture(0), path('photos', 'a.jpg')], skipBad: true })
    const of = (kind: string, total: number, ...done: number[]) => done.map((each) => ({ kind, done: each, total }))
    expect(seen).toEqual([...of('texts', 3, 0, 2, 3), ...of('images', 2, 0, 2)])
  })
})

test.each(['t.npy', 't.npz', 't', '.safetensors', 't.safetensors.json'])(
  'encodeFiles writes safetensors under no other name, and says so before the model is loaded: %s',
  async (name) => {
    const refused = encodeFiles(path('no model'), { images: [picture(0)], out: name })
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: `encodeFiles: option "out": expected a name that ends in .safetensors, got "${name}".`,
    })
  },
)

test('encodeFiles takes the ending however it is written', async () => {
  const out = path('T.SAFETENSORS')
  await encodeFiles(clip, { images: [picture(0)], out })
  expect((await written(out)).ids).toEqual([picture(0)])
})

describe('encodeFiles never replaces what is no file of embeddings:', () => {
  const what: Record<string, (at: string) => Promise<unknown>> = {
    'a text': (at) => writeFile(at, 'mine'),
    'an empty file': (at) => writeFile(at, ''),
    weights: (at) => clip.save(at),
    'a picture': (at) => copyFile(picture(0), at),
    'a link to a text': async (at) => {
      await writeFile(`${at}.txt`, 'mine')
      await symlink(`${at}.txt`, at)
    },
  }
  test.each(Object.keys(what))('%s', async (kind) => {
    const out = path(`${kind}.safetensors`)
    await what[kind]!(out)
    const before = await readFile(out)
    // Before the model is loaded: nobody waits for what cannot be kept.
    for (const model of [clip, path('no model')])
      await expect(encodeFiles(model, { images: [picture(0)], out })).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(out),
      })
    expect(before.equals(await readFile(out))).toBe(true)
  })

  test('nor a folder, nor into one that is missing', async () => {
    const folder = path('folder.safetensors')
    await mkdir(folder)
    await expect(encodeFiles(clip, { images: [picture(0)], out: folder })).rejects.toThrow(folder)
    const out = path('nowhere', 'x.safetensors')
    await expect(encodeFiles(path('no model'), { images: [picture(0)], out })).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('create it first'),
    })
  })

  test('but embeddings it does', async () => {
    const out = path('twice.safetensors')
    await encodeFiles(clip, { images: [picture(0), picture(1)], out })
    await encodeFiles(clip, { images: [picture(2)], out })
    expect((await written(out)).ids).toEqual([picture(2)])
  })
})
