import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { predictionPicture } from '../../lib/report/prediction-picture.js'
import { hasChinese, hasFonts } from '../../lib/report/svg.js'
import { temporaryFolder } from '../train/pictures.js'
import { count } from './colours.js'

const folder = temporaryFolder()
const BAR: [number, number, number] = [0, 114, 178]

const square = (background: string) =>
  sharp({ create: { width: 40, height: 40, channels: 3, background } })
    .png()
    .toBuffer()
const red = () => square('#ff0000')
const white = () => square('#ffffff')

test('shows the picture, and bars as long as probabilities', async () => {
  const draw = async (probability: number) =>
    predictionPicture([
      {
        image: await red(),
        results: [
          { text: 'red & <square>', probability },
          { text: '一只橙色的猫', probability: 1 - probability },
        ],
      },
    ])
  const [small, large] = await Promise.all([draw(0.3), draw(0.9)])
  expect(await sharp(small).metadata()).toMatchObject({ format: 'png', width: 2 * 848, height: 2 * 328 })
  expect(await count(small, [255, 0, 0])).toBeGreaterThan(0.95 * 560 * 560)
  const lengths = [await count(small, BAR), await count(large, BAR)] as [number, number]
  expect(lengths[1] / lengths[0]).toBeCloseTo(3, 0)
})

test('draws each picture in a place of its own, and a bar for what is hardly probable', async () => {
  const green = sharp({ create: { width: 40, height: 40, channels: 3, background: '#00ff00' } })
  const results = [{ text: 'x', probability: 0 }]
  const png = await predictionPicture([
    { image: await red(), results },
    { image: await green.png().toBuffer(), results },
  ])
  for (const colour of [
    [255, 0, 0],
    [0, 255, 0],
  ])
    expect(await count(png, colour)).toBeGreaterThan(0.95 * 560 * 560)
  expect(await count(png, BAR)).toBeGreaterThan(0)
})

test('breaks texts at the margin, and gives percent with one digit after the point', async () => {
  const image = await red()
  /** Columns that text has touched, of those from `left` to the right edge, in pixels of the drawing. */
  const ink = async (text: string, probability: number, top: number, height: number) => {
    const png = await predictionPicture([{ image, results: [{ text, probability }] }])
    const part = { left: 2 * 752, top: 2 * top, width: 2 * 96, height: 2 * height }
    const { data } = await sharp(png).extract(part).greyscale().raw().toBuffer({ resolveWithObject: true })
    return Array.from({ length: 96 }, (_, x) => data.some((value, i) => value < 200 && Math.floor((i % 192) / 2) === x))
  }
  const long = await ink('a cat on a mat '.repeat(40), 0.5, 24, 6 * 19)
  expect(long.slice(75)).not.toContain(true)
  if (!(await hasFonts())) return
  const widthOf = (columns: boolean[]) => columns.lastIndexOf(true) - columns.indexOf(true)
  const [whole, half] = [await ink('x', 1, 44, 16), await ink('x', 0.055, 44, 16)]
  // "100.0 %" and "5.5 %"
  expect(widthOf(whole) - widthOf(half)).toBeGreaterThan(10)
})

test('makes room for many texts, and for several pictures', async () => {
  const results = Array.from({ length: 20 }, (_, i) => ({ text: `text ${i}`, probability: 0.05 }))
  const image = await red()
  const height = async (rows: Parameters<typeof predictionPicture>[0]) =>
    (await sharp(await predictionPicture(rows)).metadata()).height
  expect(await height([{ image, results }])).toBe(2 * (20 * 46 + 48))
  expect(await height([1, 2].map(() => ({ image, results: results.slice(0, 2) })))).toBe(2 * (2 * 280 + 3 * 24))
})

test('breaks long texts into at most six lines, and moves what is below', async () => {
  const image = await red()
  const height = async (...texts: string[]) => {
    const png = await predictionPicture([{ image, results: texts.map((text) => ({ text, probability: 0.1 })) }])
    return ((await sharp(png).metadata()).height - 96) / 2
  }
  const short = Array.from({ length: 7 }, () => 'x')
  expect(await height(...short)).toBe(7 * 46)
  expect(await height(...short.slice(1), 'a cat on a mat '.repeat(6))).toBe(7 * 46 + 19)
  expect(await height(...short.slice(1), 'a cat on a mat '.repeat(100))).toBe(7 * 46 + 5 * 19)
})

test('frames pictures and writes the names of files below them', async () => {
  const file = join(folder, 'a.png')
  await writeFile(file, await white())
  const long = join(folder, `${'a_long_name_'.repeat(8)}.png`)
  await copyFile(file, long)
  const draw = (image: Buffer | string) => predictionPicture([{ image, results: [{ text: 'x', probability: 1 }] }])
  const [unnamed, named, wrapped] = await Promise.all([white().then(draw), draw(file), draw(long)])
  const heightOf = async (png: Buffer) => (await sharp(png).metadata()).height / 2
  expect(await Promise.all([unnamed, named, wrapped].map(heightOf))).toEqual([328, 328 + 24, 328 + 8 + 3 * 16])
  expect(await count(unnamed, [0xbb, 0xbb, 0xbb])).toBeGreaterThan(4 * 560)
  const below = { left: 48, top: 2 * (24 + 280 + 4), width: 560, height: 32 }
  const ink = async (png: Buffer) =>
    (await sharp(await sharp(png).extract(below).png().toBuffer()).stats()).channels[0]!.min
  expect(await ink(unnamed)).toBe(255)
  expect(await ink(named)).toBeLessThan(200)
})

test('has no green: nobody said what is right', async () => {
  const results = [0.6, 0.3, 0.1].map((probability) => ({ text: 'x', probability }))
  const { data } = await sharp(await predictionPicture([{ image: await red(), results }]))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const greenest = data.reduce(
    (most, green, i) => (i % 3 === 1 ? Math.max(most, green - Math.max(data[i - 1]!, data[i + 1]!)) : most),
    -255,
  )
  expect(greenest).toBeLessThan(8)
})

test('shows pictures the way up that models see them', async () => {
  const [blue, halves] = await Promise.all(
    [40, 80].map((height) =>
      sharp({ create: { width: 80, height, channels: 3, background: height === 40 ? '#0000ff' : '#ff0000' } })
        .png()
        .toBuffer(),
    ),
  )
  // Blue above red, to be turned by a quarter to the right: blue on the right.
  const image = await sharp(halves)
    .composite([{ input: blue, top: 0, left: 0 }])
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 100 })
    .toBuffer()
  const png = await predictionPicture([{ image, results: [{ text: 'x', probability: 1 }] }])
  const at = { top: 48, width: 280, height: 560 }
  const [left, right] = await Promise.all(
    [48, 48 + 280].map((x) =>
      sharp(png)
        .extract({ left: x, ...at })
        .png()
        .toBuffer(),
    ),
  )
  expect(await count(left!, [254, 0, 0])).toBeGreaterThan(0.9 * 280 * 560)
  expect(await count(right!, [0, 0, 254])).toBeGreaterThan(0.9 * 280 * 560)
})

test('draws texts with what XML cannot hold', async () => {
  const results = ['\x00\x01\x1b[31m', 'a\nb', '\ufffe', '\ud83d'].map((text) => ({ text, probability: 0.25 }))
  const png = await predictionPicture([{ image: await red(), results }])
  expect((await sharp(png).metadata()).format).toBe('png')
})

test('a picture that is none and an empty list are refused', async () => {
  const row = { image: Buffer.from('no picture'), results: [{ text: 'x', probability: 1 }] }
  await expect(predictionPicture([row])).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('predictionPicture cannot decode a buffer of 10 bytes'),
  })
  await expect(predictionPicture([])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})

test('Chinese is told apart, and its font looked for', async () => {
  expect(['a cat', '一只猫', 'ねこ', '😀'].map(hasChinese)).toEqual([false, true, false, false])
  expect(typeof (await hasFonts('chinese'))).toBe('boolean')
  if (!(await hasFonts())) expect(await hasFonts('chinese')).toBe(false)
})
