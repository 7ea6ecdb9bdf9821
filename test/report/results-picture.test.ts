import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { resultsPicture } from '../../lib/report/results-picture.js'
import { hasFonts } from '../../lib/report/svg.js'
import { temporaryFolder } from '../train/pictures.js'
import { count } from './colours.js'

const folder = temporaryFolder()
const HIT: [number, number, number] = [0, 158, 115]

function square(background: string): Promise<Buffer> {
  return sharp({ create: { width: 20, height: 30, channels: 3, background } })
    .png()
    .toBuffer()
}

test('shows every picture and frames the hits alone', async () => {
  const [red, blue] = await Promise.all([square('#ff0000'), square('#0000ff')])
  const draw = (hit: boolean) =>
    resultsPicture(
      [
        {
          query: 'red & <square>',
          pictures: [
            { image: red, score: 0.9, hit },
            { image: blue, score: 0.1, hit: false },
          ],
        },
        { query: 'q'.repeat(300), pictures: [{ image: blue, score: 0.5, hit: false }] },
      ],
      { title: 'Title', subtitle: 'and what it means', thumbnail: 50 },
    )
  const [withHit, without] = await Promise.all([draw(true), draw(false)])
  expect(await sharp(withHit).metadata()).toMatchObject({ format: 'png', width: 1120 })
  expect(await count(withHit, [255, 0, 0])).toBeGreaterThan(0.6 * 100 * 100 * (2 / 3))
  expect(await count(withHit, [0, 0, 255])).toBeGreaterThan(2 * 0.6 * 100 * 100 * (2 / 3))
  expect(await count(withHit, HIT)).toBeGreaterThan(1000)
  expect(await count(without, HIT)).toBe(0)
})

test('makes room for long texts, and for names: those given, or those of files', async () => {
  const image = await square('#ff0000')
  const file = join(folder, 'a.png')
  await writeFile(file, image)
  const height = async (query: string, picture: { image: Buffer | string; name?: string }, title?: string) => {
    const pictures = [{ ...picture, score: 0.5, hit: false }]
    const png = await resultsPicture([{ query, pictures }], { thumbnail: 50, ...(title && { title }) })
    return (await sharp(png).metadata()).height
  }
  const plain = 2 * (24 + 29 + 50 + 20 + 24)
  expect(await height('x', { image })).toBe(plain)
  expect(await height('a cat on a mat '.repeat(6), { image })).toBe(plain + 2 * 19)
  expect(await height('x', { image: file })).toBe(plain + 2 * 13)
  expect(await height('x', { image, name: 'two words' })).toBe(plain + 2 * 13)
  expect(await height('x', { image: file, name: 'a name in three lines' })).toBe(plain + 2 * 3 * 13)
  expect(await height('x', { image }, 'Title')).toBe(plain + 2 * (26 + 18))
  expect(await height('x', { image }, 'A title that is very long '.repeat(3))).toBe(plain + 2 * (2 * 26 + 18))
})

test('a picture that is none and an empty list are refused', async () => {
  const pictures = [{ image: Buffer.from('no picture'), score: 0, hit: false }]
  await expect(resultsPicture([{ query: 'x', pictures }])).rejects.toMatchObject({ code: 'ERR_IMAGE' })
  await expect(resultsPicture([])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})

test('fonts are looked for by drawing', async () => {
  expect(typeof (await hasFonts())).toBe('boolean')
})
