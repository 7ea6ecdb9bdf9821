import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { openList } from '../open-list.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-tables-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string | Buffer) => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const at = (name: string) => join(folder, name)
const refused = (path: string, options?: object) =>
  openList(path, options).then(
    () => expect.fail('it was read'),
    (error) => {
      expect(error).toMatchObject({ name: 'ClipwrightError', code: 'ERR_DATA' })
      expect(error.message.length).toBeLessThan(1000)
      return error.message as string
    },
  )
const BOM = '\uFEFF'

describe('a table', () => {
  it.each([
    ['tabs', 'a.tsv', '\t'],
    ['commas', 'a.csv', ','],
    ['semicolons', 'b.csv', ';'],
    ['tabs under another name', 'c.csv', '\t'],
    ['commas and no ending', 'list', ','],
  ])('is read whatever separates its cells: %s', async (_, name, s) => {
    const path = write(name, [`filepath${s}title`, `x/1.jpg${s}a dog`, `2.jpg${s}"a ""big""${s}\ndog"`].join('\r\n'))
    const source = await openList(path)
    expect(source).toMatchObject({ path, format: 'csv', protocol: 'any' })
    expect(source.items).toEqual([
      { image: at('x/1.jpg'), captions: ['a dog'] },
      { image: at('2.jpg'), captions: [`a "big"${s}\ndog`] },
    ])
  })

  it('has its columns in any order, among others, under either pair of names', async () => {
    const path = write('more.csv', 'split,caption,image_id,image\ntrain,a dog,007,1.jpg\n\nval,"5"" screen",8,2.jpg\n')
    expect((await openList(path)).items).toEqual([
      { image: at('1.jpg'), captions: ['a dog'], id: '007' },
      { image: at('2.jpg'), captions: ['5" screen'], id: '8' },
    ])
  })

  it('has other columns when told so', async () => {
    const path = write('own.csv', 'file,image,text\n1.jpg,no,a dog\n')
    const { items } = await openList(path, { imageKey: 'file', captionKey: 'text' })
    expect(items).toEqual([{ image: at('1.jpg'), captions: ['a dog'] }])
    expect(await refused(path)).toMatch(
      /expected the columns "filepath" and "title", or "image" and "caption", got "file", "image", "text"; .*--image-key/,
    )
    expect(await refused(path, { imageKey: 'path' })).toContain('expected the columns "path" and "caption"')
  })

  it('may begin with a byte order mark, and hold a quote in a cell without quotes', async () => {
    const path = write('bom.csv', `${BOM}filepath,title\n1.jpg,a 5" screen\n`)
    expect((await openList(path)).items[0]).toEqual({ image: at('1.jpg'), captions: ['a 5" screen'] })
  })

  it('gives a sample per row for training, and a picture per path for evaluation', async () => {
    const path = write(
      'rows.csv',
      `filepath,title\n${['1,a', '1,b', '2,c', '1,d'].map((r) => r.replace(',', '.jpg,')).join('\n')}`,
    )
    const source = await openList(path)
    expect(source.size).toBe(4)
    expect(await evalSet(source)).toMatchObject({
      images: [at('1.jpg'), at('2.jpg')],
      imageOfCaption: Int32Array.of(0, 0, 1, 0),
      joined: 2,
    })
  })

  it.each([
    [
      'a row that is short',
      'filepath,title\n1.jpg,a\n2.jpg\n',
      /^line 3 of .*expected 2 cells as in the header, got 1/,
    ],
    ['a separator without quotes', 'filepath,title\n1.jpg,a, b\n', /^line 2 of .*got 3; put quotes around/],
    ['no caption', 'filepath,title\n1.jpg,\n', /^line 2 of .*a caption is empty/],
    ['no path', 'filepath,title\n,x\n', /^line 2 of .*expected a path in "filepath"/],
    ['no rows', 'filepath,title\n', /has a header and no rows/],
    ['nothing', '', /is empty; it needs a header and rows/],
    ['a quote without end', 'filepath,title\n1.jpg,"a\n', /is not a table as RFC 4180 has it/],
    ['a path outside', 'filepath,title\n../1.jpg,a\n', /^line 2 of .*outside the list's folder/],
    ['pictures in base64 and no header', `1\t${'A'.repeat(400_000)}\n`, /expected the columns/],
    [
      'a data: URL',
      `filepath,title\n"data:image/png;base64,${'A'.repeat(400_000)}",x\n`,
      /expected a path, got the data: URL .*Buffer\.from/,
    ],
    ['a https: URL', 'filepath,title\nhttps://example.org/a.jpg,x\n', /got the https: URL .*fetch it first/],
  ])('is refused by its line, in a message that can be read: %s', async (_, text, message) => {
    expect(await refused(write('bad.csv', text))).toMatch(message)
  })

  it('has no splits, and is UTF-8', async () => {
    const path = write('split.csv', 'filepath,title\n1.jpg,a\n')
    expect(await refused(path, { split: 'test' })).toContain('no splits')
    const gbk = Buffer.concat([Buffer.from('filepath,title\n1.jpg,'), Buffer.from('d2bbd6bbb9b7', 'hex')])
    await expect(openList(write('gbk.csv', gbk))).rejects.toMatchObject({ code: 'ERR_FORMAT' })
    const wide = Buffer.from('\ufefffilepath,title\n1.jpg,a\n', 'utf16le')
    await expect(openList(write('wide.csv', wide))).rejects.toThrow('iconv -f UTF-16 -t UTF-8')
  })
})

describe('JSON Lines', () => {
  const lines = ['{"image":"1.jpg","caption":"a dog"}', '{"filepath":"2.jpg","title":["one","two"]}']

  it.each(['a.jsonl', 'a.ndjson', 'lines.json'])('are read from %s', async (name) => {
    const path = write(name, `${BOM}${lines.join('\n\n')}\n`)
    const source = await openList(path)
    expect(source).toMatchObject({ path, format: 'jsonl', protocol: 'any' })
    expect(source.items).toEqual([
      { image: at('1.jpg'), captions: ['a dog'] },
      { image: at('2.jpg'), captions: ['one', 'two'] },
    ])
  })

  it('name the line that is wrong', async () => {
    expect(await refused(write('bad.jsonl', `${lines[0]}\n\n{"image":"1.jpg"}`))).toMatch(
      /^line 3 of .*bad\.jsonl: expected a string or a list of strings in "caption", got nothing/,
    )
    await expect(openList(write('cut.jsonl', `${lines[0]}\n{"image":`))).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringContaining('line 2 of'),
    })
    expect(await refused(write('none.jsonl', '\n'))).toContain('is empty')
    const keys = { imageKey: 'a', captionKey: 'b' }
    expect((await openList(write('keys.jsonl', '{"a":"1.jpg","b":"x"}'), keys)).items[0]?.captions).toEqual(['x'])
  })
})

describe("COCO's captions", () => {
  const coco = (images: object[], annotations: object[]) => JSON.stringify({ info: {}, images, annotations })
  const images = [1, 2, 3].map((id) => ({ id, file_name: `${id}.jpg`, license: 1 }))
  const annotations = [
    { id: 1, image_id: 2, caption: 'two' },
    { id: 2, image_id: 1, caption: 'one' },
    { id: 3, image_id: 2, caption: 'two again' },
  ]

  it('give each picture its captions; those without are searched besides', async () => {
    const path = write('coco/captions.json', coco(images, annotations))
    const source = await openList(path)
    expect(source).toMatchObject({ format: 'coco', protocol: 'flickr', distractors: [at('coco/3.jpg')] })
    expect(source.items).toEqual([
      { id: '1', image: at('coco/1.jpg'), captions: ['one'] },
      { id: '2', image: at('coco/2.jpg'), captions: ['two', 'two again'] },
    ])
  })

  it('find their pictures as COCO unpacks, outside the list’s folder when that is allowed', async () => {
    write('c/val2017/2.jpg', '')
    const path = write('c/annotations/captions_val2017.json', coco(images, annotations))
    expect(await refused(path)).toMatch(/images\[0\] .*"\.\.\/val2017\/1\.jpg" lies outside.*--absolute-paths/)
    expect((await openList(path, { absolutePaths: true })).items[0]?.image).toBe(at('c/val2017/1.jpg'))
  })

  it.each([
    ['a caption of no picture', [{ image_id: 9, caption: 'x' }], /annotations\[0\] .*no picture with the id 9/],
    ['no caption', [{ image_id: 1 }], /annotations\[0\] .*expected a caption/],
    ['no annotations', [], /no captions/],
  ])('are refused with %s', async (_, list, message) => {
    expect(await refused(write('bad.json', coco(images, list)))).toMatch(message)
  })
})

describe('pictures of a data set', () => {
  it("are found in Karpathy's folder by majority, not by the first entry", async () => {
    const entry = (i: number) => ({ filename: `${i}.jpg`, split: 'train', sentences: [{ raw: `${i}` }] })
    // A stray copy of the first beside the list.
    write('k/0.jpg', '')
    for (let i = 0; i < 5; i++) write(`k/flickr30k-images/${i}.jpg`, '')
    const path = write('k/dataset.json', `${BOM}${JSON.stringify({ images: [0, 1, 2, 3, 4].map(entry) })}`)
    const { items } = await openList(path)
    expect(items.map(({ image }) => image)).toEqual([0, 1, 2, 3, 4].map((i) => at(`k/flickr30k-images/${i}.jpg`)))
  })

  it('are no .DS_Store, Thumbs.db, folder or note', async () => {
    for (const name of [
      '1.jpg',
      '2.jpg',
      '3',
      '.DS_Store',
      '._1.jpg',
      'Thumbs.db',
      'desktop.ini',
      'README.md',
      'sub/4.jpg',
    ])
      write(`litter/images/${name}`, '')
    const path = write('litter/test_texts.jsonl', `${BOM}{"text":"x","image_ids":[1]}\n`)
    const { items, distractors } = await openList(path)
    expect(items.map(({ image }) => image)).toEqual([at('litter/images/1.jpg')])
    expect(distractors).toEqual([at('litter/images/2.jpg'), at('litter/images/3')])
  })

  it("may begin with a byte order mark in Chinese-CLIP's table", async () => {
    write('b/x_imgs.tsv', `${BOM}1\tAAAA\n2\tAAAA\n`)
    const { items } = await openList(write('b/x_texts.jsonl', '{"text":"x","image_ids":[1]}'))
    expect(items[0]).toMatchObject({ id: '1', image: { id: '1', length: 4 } })
  })

  it('are looked for under the name that the texts have, whatever it is', async () => {
    const path = write('odd/mine.jsonl', '{"text":"x","image_ids":[1]}')
    const error = await openList(path).catch((e) => e)
    expect(error).toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('mine_imgs.tsv') })
    expect(error.message).not.toContain('undefined')
    write('odd/mine_imgs/1.jpg', '')
    expect((await openList(path)).items[0]?.image).toBe(at('odd/mine_imgs/1.jpg'))
  })
})

describe('messages', () => {
  it.each([
    ['a path', JSON.stringify([{ image: `../${'x'.repeat(400_000)}`, caption: 'y' }])],
    ['a value', JSON.stringify([{ image: 'a', caption: 7, x: 1 }]).replace('7', `{"${'k'.repeat(400_000)}":1}`)],
    ['a number', `[{"image":${'9'.repeat(400_000)},"caption":"y"}]`],
    ['splits', JSON.stringify({ images: Array.from({ length: 40_000 }, (_, i) => ({ split: `part ${i}` })) })],
  ])('never quote all of %s', async (_, text) => {
    await refused(write('long.json', text))
  })
})
