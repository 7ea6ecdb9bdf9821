import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { EvalPoint } from '../../lib/report/charts.js'
import { epochLossPlot, lossPlot, recallPlot } from '../../lib/report/plots.js'
import { curveOf } from './losses.js'

type Colour = [number, number, number]
const BLUE: Colour = [0, 114, 178]
const VERMILION: Colour = [213, 94, 0]
const PURPLE: Colour = [204, 121, 167]

const points = curveOf(Array.from({ length: 300 }, (_, i) => 4 * Math.exp(-i / 100) + (i % 7) / 20))
const evals: EvalPoint[] = [100, 200, 300].map((step) => ({
  step,
  loss: 3 - step / 200,
  recall: { txt_r1: step / 20, txt_r5: step / 10, txt_r10: step / 5, img_r1: 3, img_r5: 9, img_r10: 20 },
}))

/** Share of pixels near a colour. */
async function share(png: Buffer, [r, g, b]: Colour): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  let near = 0
  for (let i = 0; i < data.length; i += 3) {
    if (Math.abs(data[i]! - r) + Math.abs(data[i + 1]! - g) + Math.abs(data[i + 2]! - b) < 24) near++
  }
  return near / (info.width * info.height)
}

describe('lossPlot', () => {
  test('draws both curves on white, at twice the size', async () => {
    const png = await lossPlot(points, evals)
    const { format, width, height } = await sharp(png).metadata()
    expect(format).toBe('png')
    expect(width).toBeGreaterThan(1500)
    expect(height).toBeGreaterThan(750)
    expect(await share(png, [255, 255, 255])).toBeGreaterThan(0.7)
    expect(await share(png, BLUE)).toBeGreaterThan(0.002)
    expect(await share(png, VERMILION)).toBeGreaterThan(0.002)
  })

  test.each([
    ['no step', []],
    ['one step', [4]],
    ['a loss that is not a number', [4, Number.NaN, 3]],
  ])('draws a run of %s', async (_, few) => {
    expect((await sharp(await lossPlot(curveOf(few))).metadata()).format).toBe('png')
  })
})

describe('epochLossPlot', () => {
  const epochs = Array.from({ length: 30 }, (_, i) => ({ epoch: i + 1, loss: 4 - i / 10 + (i % 3) / 2 }))
  const withValidation = epochs.map((p, i) => (i % 2 ? { ...p, validation: p.loss + 1 } : p))

  test('draws both losses, and adds smoothed curves where there are enough epochs', async () => {
    const png = await epochLossPlot(withValidation)
    expect((await sharp(png).metadata()).format).toBe('png')
    const [train, validation] = [await share(png, BLUE), await share(png, VERMILION)]
    expect(train).toBeGreaterThan(0.003)
    expect(validation).toBeGreaterThan(0.002)
    // Four epochs are no window of five.
    const few = await epochLossPlot(epochs.slice(0, 4))
    const five = await epochLossPlot(epochs.slice(0, 5))
    expect(await share(five, BLUE)).toBeGreaterThan(1.3 * (await share(few, BLUE)))
    expect(await share(few, VERMILION)).toBeLessThan(0.001)
  })

  test.each([
    ['one epoch', [{ epoch: 1, loss: 4 }]],
    ['a loss that is not a number', [1, 2, 3].map((epoch) => ({ epoch, loss: epoch === 2 ? Number.NaN : 4 }))],
  ])('draws %s', async (_, points) => {
    expect((await sharp(await epochLossPlot(points)).metadata()).format).toBe('png')
  })
})

test('recallPlot draws a curve for each K', async () => {
  const png = await recallPlot(evals)
  expect((await sharp(png).metadata()).width).toBeGreaterThan(1500)
  for (const colour of [PURPLE, VERMILION, BLUE]) expect(await share(png, colour)).toBeGreaterThan(0.001)
})
