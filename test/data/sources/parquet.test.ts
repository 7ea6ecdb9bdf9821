import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, describe, expect, it } from 'vitest'
import { BlockSource } from '../../../lib/data/blocks.js'
import { ListedSource } from '../../../lib/data/listed.js'
import { openSource } from '../../../lib/data/open.js'
import type { SourceOptions } from '../../../lib/data/source.js'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { readAddress } from '../../../lib/image/source.js'
import { contentOf, samplesOf } from '../samples.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-parquet-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
type Options = Omit<Parameters<typeof parquetWriteBuffer>[0], 'columnData'>
const write = (name: string, columnData: ColumnSource[], o: Options = {}) => {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), Buffer.from(parquetWriteBuffer({ columnData, codec: 'SNAPPY', ...o })))
  return at(name)
}
const refused = (path: string, options?: SourceOptions) =>
  openSource(path, options).then(
    () => expect.fail('it was read'),
    ({ code, message }) => `${code} ${message}`,
  )
const strings = (name: string, data: (string | null)[]): ColumnSource => ({ name, data, type: 'STRING' })
const blobs = (name: string, data: (Buffer | null)[]): ColumnSource => ({
  name,
  data: data.map((one) => one && new Uint8Array(one)),
  type: 'BYTE_ARRAY',
})

/** `count` pictures that are not decoded here, and their captions, from `first` on. */
const embedded = (name: string, first: number, count: number, rowGroupSize: number) => {
  const numbers = Array.from({ length: count }, (_, i) => first + i)
  const pictures = numbers.map((i) => Buffer.from(`picture ${i} ${'x'.repeat(50)}`))
  return write(
    name,
    [
      blobs('jpg', pictures),
      strings(
        'caption',
        numbers.map((i) => `caption ${i}`),
      ),
    ],
    { rowGroupSize },
  )
}

describe('Parquet with paths', () => {
  it('is a list as others are', async () => {
    const path = write('paths.parquet', [
      strings('caption', ['a dog', 'a cat']),
      strings('filepath', ['1.jpg', 'x/2.jpg']),
      { name: 'image_id', data: [7n, 9n], type: 'INT64' },
    ])
    const source = await openSource(path)
    expect(source).toBeInstanceOf(ListedSource)
    expect((source as ListedSource).items).toEqual([
      { image: at('1.jpg'), captions: ['a dog'], id: '7' },
      { image: at('x/2.jpg'), captions: ['a cat'], id: '9' },
    ])
    expect(await source.identity()).toBe(await (await openSource(path)).identity())
  })

  it('is refused by the row, the columns that it has, or what it is', async () => {
    expect(
      await refused(write('row.parquet', [strings('filepath', ['a', '../b']), strings('title', ['x', 'y'])])),
    ).toMatch(/ERR_DATA row 2 of .*row\.parquet: "\.\.\/b" lies outside/)
    const other = write('other.parquet', [strings('file', ['a']), strings('words', ['x'])])
    expect(await refused(other)).toMatch(/expected a column of pictures .*, got "file", "words"; .*--image-key/)
    expect(await refused(other, { imageKey: 'file', captionKey: 'no' })).toMatch(
      /has no column "no"; it has "file", "words"/,
    )
    const { size } = await openSource(other, { imageKey: 'file', captionKey: 'words' })
    expect(size).toBe(1)
    writeFileSync(at('none.parquet'), 'hello')
    expect(await refused(at('none.parquet'))).toMatch(/ERR_FORMAT .*none\.parquet is no Parquet file/)
    writeFileSync(at('empty.parquet'), '')
    expect(await refused(at('empty.parquet'))).toMatch(/ERR_FORMAT .*empty\.parquet is no Parquet file/)
  })

  it('of a codec that is not there names it', async () => {
    const path = write('lzo.parquet', [strings('filepath', ['a'.repeat(99)]), strings('title', ['x'])], {
      codec: 'LZO',
      compressors: { LZO: (bytes) => bytes },
    })
    expect(await refused(path)).toMatch(
      /ERR_UNSUPPORTED .*lzo\.parquet is packed with the codec LZO, which is not there/,
    )
  })
})

describe('Parquet with pictures', () => {
  it('gives each sample once in every epoch, whatever the buffer, and goes on anywhere', async () => {
    embedded('many/00000.parquet', 0, 50, 7)
    embedded('many/00001.parquet', 50, 30, 30)
    for (const shuffleBuffer of [1, 10, 1000]) {
      const source = await openSource(at('many'), { shuffleBuffer })
      expect(source).toBeInstanceOf(BlockSource)
      expect(source.size).toBe(80)
      const orders = []
      for (const epoch of [0, 1]) {
        const whole = await contentOf(await samplesOf(source, { seed: 2, epoch }))
        orders.push(whole.map(({ index }) => index))
        expect(orders.at(-1)!.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i))
        for (const { index, bytes, captions } of whole) {
          expect(captions).toEqual([`caption ${index}`])
          expect(Buffer.from(bytes, 'base64').toString()).toContain(`picture ${index} x`)
        }
        for (const from of [1, 33, 79, 80])
          expect(await contentOf(await samplesOf(source, { seed: 2, epoch, from }))).toEqual(whole.slice(from))
      }
      expect(orders[0]).not.toEqual(orders[1])
    }
  })

  it('is searched, and read by number', async () => {
    const source = await openSource(embedded('few.parquet', 0, 5, 2))
    const { captions, images, imageOfCaption, joined } = await evalSet(source)
    expect(captions).toEqual([0, 1, 2, 3, 4].map((i) => `caption ${i}`))
    expect([...imageOfCaption]).toEqual([0, 1, 2, 3, 4])
    expect(joined).toBe(0)
    expect((await readAddress(images[3]!)).toString()).toContain('picture 3 ')
    expect(await source.someCaptions(3)).toEqual(['caption 0', 'caption 2', 'caption 4'])
  })

  it("takes the split of Hugging Face's names, and rows that are none as faults", async () => {
    embedded('hf/data/train-00000-of-00001.parquet', 0, 4, 4)
    embedded('hf/data/validation-00000-of-00001.parquet', 0, 3, 4)
    expect((await openSource(at('hf'))).size).toBe(4)
    expect((await openSource(at('hf'), { use: 'val' })).size).toBe(3)
    expect(await refused(at('hf'), { split: 'dev' })).toContain('has no file of the split "dev"')
    const path = write('faults.parquet', [
      blobs('jpg', [Buffer.from('a'), null, Buffer.from('c')]),
      strings('caption', ['a', 'b', null]),
    ])
    const samples = await samplesOf(await openSource(path))
    const faults = await Promise.all(
      samples.map(({ image, index }) =>
        readAddress(image).then(
          () => [index],
          ({ code, message }) => [index, code, message],
        ),
      ),
    )
    expect(faults.sort()).toEqual([
      [0],
      [1, 'ERR_FORMAT', `row 2 of ${path}: expected a picture's bytes in "jpg", got null.`],
      [2, 'ERR_FORMAT', `row 3 of ${path}: expected a caption in "caption", got null.`],
    ])
  })

  it("has them in Hugging Face's structs", async () => {
    const path = write(
      'struct.parquet',
      [
        { name: 'image', data: [{ bytes: new Uint8Array([1, 2]), path: 'a.jpg' }] },
        { name: 'text', data: ['a dog'] },
      ],
      {
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
          { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
          { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        ],
      },
    )
    const { image, captions } = await (await openSource(path)).sample(0)
    expect([...(await readAddress(image))]).toEqual([1, 2])
    expect(captions).toEqual(['a dog'])
  })
})
