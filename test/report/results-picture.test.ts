import sharp from 'sharp'
import { expect, test } from 'vitest'
import { resultsPicture } from '../../lib/report/results-picture.js'
import { hasFonts } from '../../lib/report/svg.js'
import { count } from './colours.js'

const HIT: [number, number, number] = [46, 158, 79]

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

test('a picture that is none and an empty list are refused', async () => {
  const pictures = [{ image: Buffer.from('no picture'), score: 0, hit: false }]
  await expect(resultsPicture([{ query: 'x', pictures }])).rejects.toMatchObject({ code: 'ERR_IMAGE' })
  await expect(resultsPicture([])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})

test('fonts are looked for by drawing', async () => {
  expect(typeof (await hasFonts())).toBe('boolean')
})
