import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { decodeImage } from '../../../lib/image/decode.js'
import { nameOf, readAddress } from '../../../lib/image/source.js'
import { openList } from '../open-list.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-formats-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe("Karpathy's JSON", () => {
  const entry = (filename: string, split: string, ...raws: string[]) => ({
    filename,
    split,
    sentences: raws.map((raw) => ({ raw, tokens: [] })),
  })
  const images = [
    entry('a.jpg', 'train', 'A dog.', 'One dog.'),
    entry('b.jpg', 'test', 'A cat.'),
    { ...entry('c.jpg', 'restval', 'A bird.'), filepath: 'val2014' },
    entry('d.jpg', 'val', 'A fish.'),
  ]
  const karpathy = (name: string, list: unknown[]) => write(name, JSON.stringify({ images: list, dataset: 'flickr8k' }))

  it('gives one split, by its use or by name; restval is trained on', async () => {
    const path = karpathy('dataset_flickr8k.json', images)
    const names = async (o: object) => (await openList(path, o)).items.map((item) => item.image)
    expect(await names({ use: 'train' })).toEqual([join(folder, 'a.jpg'), join(folder, 'val2014/c.jpg')])
    expect(await names({ use: 'val' })).toEqual([join(folder, 'd.jpg')])
    expect(await names({ use: 'train', split: 'test' })).toEqual([join(folder, 'b.jpg')])
    expect(await openList(path, { use: 'train' })).toMatchObject({ format: 'karpathy', split: 'train' })
    expect((await openList(path)).items[0]?.captions).toEqual(['A dog.', 'One dog.'])
  })

  it.each(['.', 'images', 'Images', 'Flicker8k_Dataset', 'flickr30k-images', 'flickr30k_images'])(
    'finds the pictures in the folder that the data set calls theirs: %s',
    async (name) => {
      write(`in-${name}/${name}/b.jpg`, '')
      const path = karpathy(`in-${name}/dataset.json`, images)
      const [item] = (await openList(path, { use: 'test' })).items
      expect(item?.image).toBe(join(folder, `in-${name}`, name, 'b.jpg'))
    },
  )

  it.each([
    [[entry('a.jpg', 'train', 'x')], 'no pictures of the split "test"; it has "train"'],
    [[{ ...entry('a.jpg', 'test', 'x'), filename: 3 }], 'images[0]'],
    [[entry('', 'test', 'x')], 'a name in "filename"'],
    [[{ ...entry('a.jpg', 'test', 'x'), filepath: 3 }], 'a folder in "filepath", got number 3'],
    [[{ ...entry('a.jpg', 'test', 'x'), split: undefined }], 'a name in "split", got nothing'],
    [[entry('a.jpg', 'test')], 'an empty list'],
    [[entry('a.jpg', 'test', ' ')], '"raw"'],
    [[entry('../../a.jpg', 'test', 'x')], "outside the list's folder"],
    [[7], 'images[0]'],
  ])('refuses %j', async (list, message) => {
    const error = await openList(karpathy('bad.json', list), { use: 'test' }).catch((e) => e)
    expect(error).toMatchObject({ name: 'ClipwrightError', code: 'ERR_DATA' })
    expect(error.message).toContain(message)
  })
})

describe("Chinese-CLIP's data", () => {
  const texts = [
    { text_id: 1, text: '一只狗', image_ids: [11, 22] },
    { text_id: 2, text: '一只猫', image_ids: [22] },
  ]
  const jsonl = (lines: object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  let pictures: Buffer[]
  beforeAll(async () => {
    pictures = await Promise.all(
      ['red', 'lime', 'blue'].map((background, i) =>
        // Smaller than a chunk of the file (64 KiB), and larger than several.
        sharp({
          create: {
            width: i === 0 ? 9 : 300,
            height: i === 0 ? 7 : 200,
            channels: 3,
            background,
            noise: { type: 'gaussian', mean: 128, sigma: 30 },
          },
        })
          .png({ compressionLevel: 0 })
          .toBuffer(),
      ),
    )
    const rows = [11, 22, 33].map((id, i) => `${id}\t${pictures[i]!.toString('base64')}\n`)
    write('muge/valid_imgs.tsv', rows.join(''))
    write('muge/valid_texts.jsonl', jsonl(texts))
  })

  it('is read from the folder or from the texts; captions keep all of their pictures', async () => {
    for (const path of [join(folder, 'muge'), join(folder, 'muge/valid_texts.jsonl')]) {
      const list = await openList(path, { use: 'val' })
      expect(list).toMatchObject({ path: join(folder, 'muge/valid_texts.jsonl'), format: 'muge', split: 'valid' })
      expect(list.items.map((item) => item.captions)).toEqual([['一只狗'], ['一只狗', '一只猫']])
      const set = await evalSet(list)
      expect(set.captions).toEqual(['一只狗', '一只猫'])
      expect(set.imageOfCaption).toEqual([[0, 1], [1]])
      expect(set.images).toHaveLength(3)
    }
  })

  it('gives the pictures themselves, the one without a caption last', async () => {
    const { images } = await evalSet(await openList(join(folder, 'muge')))
    for (const [i, image] of images.entries()) {
      expect(Buffer.compare(await readAddress(image), pictures[i]!), `picture ${i}`).toBe(0)
      expect((await decodeImage(image)).width).toBe(i === 0 ? 9 : 300)
      // All of the line after its tab, and nothing else.
      expect(image).toMatchObject({ length: Math.ceil(pictures[i]!.length / 3) * 4, encoding: 'base64' })
    }
    expect(images[0]).toMatchObject({ path: join(folder, 'muge/valid_imgs.tsv'), id: '11' })
    expect(nameOf(images[0]!)).toBe(`picture 11 of ${join(folder, 'muge/valid_imgs.tsv')}`)
  })

  it('takes a folder of pictures named by their ids', async () => {
    write('named/test_texts.jsonl', jsonl(texts))
    for (const id of [11, 22]) write(`named/images/${id}.jpg`, '')
    const list = await openList(join(folder, 'named'))
    expect(list.items.map((item) => item.image)).toEqual([11, 22].map((id) => join(folder, `named/images/${id}.jpg`)))
  })

  it.each(['test_imgs', 'images', 'imgs'])('finds that folder when it is called %s; ids may be text', async (name) => {
    write(`in-${name}/test_texts.jsonl`, jsonl([{ text: '一只狗', image_ids: ['a', 'a', 'b'] }]))
    for (const id of ['a', 'b']) write(`in-${name}/${name}/${id}.jpg`, '')
    const { items, shared } = await openList(join(folder, `in-${name}`))
    expect(items.map(({ image }) => image)).toEqual(
      ['a', 'b'].map((id) => join(folder, `in-${name}/${name}/${id}.jpg`)),
    )
    // A picture that is named twice is named once.
    expect(items.map(({ captions }) => captions)).toEqual([['一只狗'], ['一只狗']])
    expect(shared).toEqual([{ caption: '一只狗', items: [0, 1] }])
  })

  it('asks for the split where there are several', async () => {
    for (const split of ['train', 'test']) write(`two/${split}_texts.jsonl`, jsonl(texts))
    for (const id of [11, 22]) write(`two/images/${id}.jpg`, '')
    expect((await openList(join(folder, 'two'), { use: 'test' })).split).toBe('test')
    for (const options of [{ split: 'valid' }, { use: 'val' }] as const)
      await expect(openList(join(folder, 'two'), options)).rejects.toMatchObject({
        code: 'ERR_DATA',
        message: expect.stringContaining('"test", "train"'),
      })
    write('two/valid_texts.jsonl', jsonl(texts))
    expect((await openList(join(folder, 'two'), { use: 'val' })).split).toBe('valid')
    await expect(openList(join(folder, 'muge'), { split: 'test' })).rejects.toMatchObject({ code: 'ERR_DATA' })
  })

  it.each([
    ['a test set without answers', jsonl([{ text: 'x', image_ids: [] }]), /line 1 .*without answers/],
    ['a picture that is not there', jsonl([texts[1]!, { text: 'x', image_ids: [44] }]), /line 2 .*no picture 44/],
    ['an empty text', jsonl([{ text: '', image_ids: [11] }]), /line 1 .*"text"/],
    ['nothing', '\n', /is empty/],
  ])('refuses %s', async (_, text, message) => {
    write('bad/images/11.jpg', '')
    write('bad/images/22.jpg', '')
    await expect(openList(write('bad/x_texts.jsonl', text))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message),
    })
  })

  it.each([
    ['no tabs\nat all\n', 1],
    [`${'x'.repeat(1000)}\tabc\n`, 1],
    ['a\nb\tabc\n', 1],
    ['1\tabc\n2', 2],
  ])('refuses a table of pictures %#', async (tsv, line) => {
    write('table/x_texts.jsonl', jsonl([{ text: 'x', image_ids: [1] }]))
    write('table/x_imgs.tsv', tsv)
    await expect(openList(join(folder, 'table'))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(new RegExp(`^line ${line} of .*x_imgs\\.tsv: expected an id, a tab`)),
    })
  })

  it('says where it looked for pictures', async () => {
    await expect(openList(write('none/x_texts.jsonl', jsonl(texts)))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('x_imgs.tsv'),
    })
  })
})
