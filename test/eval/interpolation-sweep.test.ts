import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { alphaRange } from '../../lib/cli/alpha-range.js'
import { Clip } from '../../lib/clip/clip.js'
import { interpolate } from '../../lib/clip/interpolate.js'
import { evaluateModel } from '../../lib/eval/evaluate-model.js'
import { interpolationSweep } from '../../lib/eval/interpolation-sweep.js'
import { chartSvg } from '../../lib/report/chart-svg.js'
import { sweepChart } from '../../lib/report/sweep-chart.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'

const folder = temporaryFolder()
const [a, b] = [join(folder, 'a'), join(folder, 'b')]
let val: string[]
beforeAll(async () => {
  for (const [path, seed] of [
    [a, 1],
    [b, 5],
  ] as const) {
    await using clip = await Clip.create(LIGHT, { seed, threads: 1 })
    await clip.save(path)
  }
  val = [await captionList(folder, 'mine', 12), await captionList(folder, 'others', 7)]
})

describe('interpolationSweep', () => {
  test('measures what interpolate writes, and keeps the best', async () => {
    const out = join(folder, 'best')
    const alphas = [0, 0.5, 1]
    const load = { threads: 1 }
    const sweep = await interpolationSweep(a, b, { alphas, val, out, load })
    expect(sweep.rows.map(({ alpha }) => alpha)).toEqual(alphas)
    for (const { alpha, recall, mean } of sweep.rows) {
      const path = join(folder, `at-${alpha}`)
      await interpolate(a, b, { alpha, out: path })
      const alone = await Promise.all(val.map((list) => evaluateModel(path, list, { load })))
      for (const [i, table] of recall.entries()) expect(alone[i]).toMatchObject(table)
      expect(mean).toBeCloseTo((alone[0]!.r_mean + alone[1]!.r_mean) / 2, 9)
    }
    expect(new Set(sweep.rows.map(({ mean }) => mean)).size).toBeGreaterThan(1)
    expect(sweep.best.mean).toBe(Math.max(...sweep.rows.map(({ mean }) => mean)))
    const best = await evaluateModel(out, val[0]!, { load })
    expect(best.r_mean).toBe(sweep.rows.find(({ alpha }) => alpha === sweep.best.alpha)!.recall[0]!.r_mean)
  })

  test.each([
    [{ val: [] }, /option "val": expected at least one list/],
    [{ val: ['x'], alphas: [2] }, /option "alphas\[0\]|option "alphas\.0"/],
    [{ val: ['x'], alpha: 1 }, /did you mean "alphas"/],
  ])('refuses %j', async (options, message) => {
    await expect(interpolationSweep(a, b, options as { val: string[] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})

describe('sweepChart', () => {
  const rows = [0, 0.5, 1].map((alpha) => ({
    alpha,
    recall: [{ r_mean: 40 + 20 * alpha }, { r_mean: 60 - 30 * alpha }],
  }))
  test('has a curve for each list, under its name, and marks the best', () => {
    const chart = sweepChart({ val: ['x/mine.json', 'y/others.csv'], rows, best: { alpha: 0.5, mean: 47.5 } })
    expect(chart.curves.map(({ points }) => points)).toEqual([
      [
        [0, 40],
        [0.5, 50],
        [1, 60],
      ],
      [
        [0, 60],
        [0.5, 45],
        [1, 30],
      ],
    ])
    expect(chart.legend.map(({ text }) => text)).toEqual(['mine', 'others'])
    expect(chart.legend[0]!.look.colour).not.toBe(chart.legend[1]!.look.colour)
    expect(chartSvg(chart)).toContain('best on average: alpha 0.5, 47.5 %')
    const alike = sweepChart({ val: ['x/val.json', 'y/val.json'], rows, best: { alpha: 0.5, mean: 47.5 } })
    expect(alike.legend.map(({ text }) => text)).toEqual(['x/val.json', 'y/val.json'])
  })
})

test('alphaRange reads one value or several, with both ends', () => {
  expect(alphaRange('0.3')).toEqual([0.3])
  expect(alphaRange('0:1:0.1')).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
  expect(alphaRange('0.5:0.8:0.2')).toEqual([0.5, 0.7])
  for (const text of [
    '',
    'x',
    '0:1',
    '0:1:0',
    '-0.1',
    '1.1',
    '0.5:0.2:0.1',
    '0:2:0.5',
    '0:1:0.1:2',
    '0::1',
    '0:1:0.0001',
  ])
    expect(alphaRange(text), text).toBeUndefined()
})
