import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { pairOf } from '../../../lib/data/lmdb/pair-pickle.js'
import { LmdbReader } from '../../../lib/data/lmdb/reader.js'
import { openSource } from '../../../lib/data/open.js'
import { openFile } from '../../../lib/data/places/open-file.js'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { decodeImage } from '../../../lib/image/decode.js'
import { readAddress } from '../../../lib/image/source.js'
import { fuzz, fuzzTimeout } from '../../fuzz/fuzz.js'
import { mutateBytes } from '../../fuzz/mutations.js'
import { samplesOf } from '../samples.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-lmdb-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** What Python's lmdb wrote: make.py beside this file. */
const original = (name: string) => gunzipSync(readFileSync(new URL(`${name}.mdb.gz`, import.meta.url)))
const put = (split: string, pairs = original('pairs'), imgs = original('imgs')) => {
  for (const [name, bytes] of Object.entries({ pairs, imgs })) {
    mkdirSync(join(folder, split, name), { recursive: true })
    writeFileSync(join(folder, split, name, 'data.mdb'), bytes)
  }
  return join(folder, split)
}
/** As make.py has them. */
const texts = Array.from({ length: 200 }, (_, t) => ({
  text: `第${t}张图片，一只狗`,
  images: Array.from({ length: 1 + (t % 3) }, (_, j) => (t * 7 + j) % 30),
}))
const pairs = texts.flatMap(({ text, images }) => images.map((image) => ({ text, image: String(image) })))

describe("Chinese-CLIP's LMDB", () => {
  it('gives every pair of what Python wrote, with its picture', async () => {
    put('lmdb/train')
    for (const path of [folder, join(folder, 'lmdb'), join(folder, 'lmdb/train')]) {
      const source = await openSource(path)
      expect(source).toMatchObject({ format: 'chinese-lmdb', protocol: 'muge', size: pairs.length })
    }
    const source = await openSource(folder)
    for (const [i, { text, image }] of [...pairs.entries()].filter(([i]) => i % 9 === 0))
      expect(await source.sample(i)).toMatchObject({ captions: [text], id: image })
    const order = (await samplesOf(source)).map(({ index }) => index)
    expect(order.toSorted((a, b) => a - b)).toEqual(pairs.map((_, i) => i))
    for (const i of [0, 29]) {
      const at = pairs.findIndex(({ image }) => image === String(i))
      const { width } = await decodeImage((await source.sample(at)).image)
      expect(width).toBe(i === 29 ? 64 : 16)
    }
  })

  it('is measured with each text once, and all of its pictures', async () => {
    const { captions, images, imageOfCaption } = await evalSet(await openSource(folder))
    expect(captions).toEqual(texts.map(({ text }) => text))
    expect(images).toHaveLength(30)
    const nameOf = (i: number) => Number((images[i] as { id: string }).id)
    expect([...imageOfCaption].map((own) => [own].flat().map(nameOf))).toEqual(texts.map(({ images }) => images))
  })

  it('says which splits there are, and which pair or picture is missing', async () => {
    put('two/train')
    put('two/valid')
    await expect(openSource(join(folder, 'two'), { split: 'test' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/no split "test"; choose with --split among "train", "valid"/),
    })
    const reader = await LmdbReader.open(await openFile(join(folder, 'two/train/imgs/data.mdb')))
    for (const key of ['30', '', '0a', 'zzz']) expect(await reader.get(key)).toBeUndefined()
    expect(String(await reader.get('num_images'))).toBe('30')
    await expect(openSource(put('swapped', original('imgs'), original('pairs')))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('31 entries and no number of pairs in "num_samples"'),
    })
  })

  it('of another format, or none, is refused by what it is', async () => {
    const other = original('pairs')
    other.writeUInt32LE(2, 20)
    await expect(openSource(put('format', other))).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringContaining('its format is 2, and expected was 1'),
    })
    await expect(openSource(put('short', original('pairs').subarray(0, 100)))).rejects.toMatchObject({
      message: expect.stringContaining('it does not begin as one'),
    })
    const cut = await openSource(put('cut', original('pairs'), original('imgs').subarray(0, 16384)))
    const reading = Promise.allSettled(
      Array.from({ length: 60 }, async (_, i) => readAddress((await cut.sample(i)).image)),
    )
    const reasons = (await reading).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(reasons.length).toBeGreaterThan(0)
    for (const { code } of reasons) expect(code).toBe('ERR_FORMAT')
  })

  it(
    'that is damaged is read or refused',
    async () => {
      const whole = original('pairs')
      await fuzz('LMDB', { codes: ['ERR_FORMAT', 'ERR_UNSAFE'] }, async (random) => {
        const bytes = mutateBytes(whole, random, [0, whole.length])
        const read = async (at: number, length: number) => bytes.subarray(at, at + length)
        const reader = await LmdbReader.open({ path: 'data.mdb', size: bytes.length, tag: '', stride: 1, read })
        for (const key of ['0', '123', 'num_samples']) await reader.get(key)
        const pair = await reader.get('7')
        if (pair) pairOf(pair, 'pair 7')
      })
    },
    fuzzTimeout,
  )
})
