import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { predictionPicture } from '../../lib/report/prediction-picture.js'
import { fitText, hasChinese, hasFonts } from '../../lib/report/svg.js'
import { count } from './colours.js'

const BAR: [number, number, number] = [46, 158, 79]

const red = () =>
  sharp({ create: { width: 40, height: 40, channels: 3, background: '#ff0000' } })
    .png()
    .toBuffer()

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

test('makes room for many texts, and for several pictures', async () => {
  const results = Array.from({ length: 20 }, (_, i) => ({ text: `text ${i}`, probability: 0.05 }))
  const image = await red()
  const height = async (rows: Parameters<typeof predictionPicture>[0]) =>
    (await sharp(await predictionPicture(rows)).metadata()).height
  expect(await height([{ image, results }])).toBe(2 * (20 * 46 + 48))
  expect(await height([1, 2].map(() => ({ image, results: results.slice(0, 2) })))).toBe(2 * (2 * 280 + 3 * 24))
})

test('a picture that is none and an empty list are refused', async () => {
  const row = { image: Buffer.from('no picture'), results: [{ text: 'x', probability: 1 }] }
  await expect(predictionPicture([row])).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('predictionPicture cannot decode a buffer of 10 bytes'),
  })
  await expect(predictionPicture([])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})

describe('fitText', () => {
  test.each([
    ['short', 100, 'short'],
    ['a long sentence', 80, 'a long s…'],
    ['很长的中文句子', 60, '很长的…'],
  ])('%s in %d pixels is %s', (text, width, expected) => {
    expect(fitText(text, width, 15)).toBe(expected)
  })
})

test('Chinese is told apart, and its font looked for', async () => {
  expect(['a cat', '一只猫', 'ねこ', '😀'].map(hasChinese)).toEqual([false, true, false, false])
  expect(typeof (await hasFonts('chinese'))).toBe('boolean')
  if (!(await hasFonts())) expect(await hasFonts('chinese')).toBe(false)
})
