import { describe, expect, test } from 'vitest'
import { epochLossChart, lossChart, recallChart } from '../../lib/report/charts.js'
import { curveOf } from './losses.js'

// How linear RGB looks to people without one kind of cones: Machado, Oliveira and Fernandes (2009),
// https://doi.org/10.1109/TVCG.2009.113, severity 1.
const SIGHT = {
  'with all cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'with protanopia': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'with deuteranopia': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'with tritanopia': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

/** CIE L*a*b* (D65) of a colour as it is seen. */
function lab(colour: string, sight: number[][]): number[] {
  const linear = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  const product = (row: number[], v: number[]) => row.reduce((sum, x, i) => sum + x * v[i]!, 0)
  const seen = sight.map((row) => Math.min(1, Math.max(0, product(row, linear))))
  const [x, y, z] = [
    product([0.4124, 0.3576, 0.1805], seen) / 0.9505,
    product([0.2126, 0.7152, 0.0722], seen),
    product([0.0193, 0.1192, 0.9505], seen) / 1.089,
  ].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as [number, number, number]
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

function distance(a: string, b: string, sight: number[][]): number {
  const [one, other] = [lab(a, sight), lab(b, sight)]
  return Math.hypot(...one.map((x, i) => x - other[i]!))
}

const evals = [{ step: 1, loss: 2, recall: {} }]
const CHARTS = {
  loss: lossChart(curveOf([3, 2]), evals),
  'loss by epoch': epochLossChart([{ epoch: 1, loss: 2, validation: 3 }]),
  recall: recallChart(evals),
  'recall with canaries': recallChart(evals, {
    canaries: ['a', 'b', 'c'].map((name) => ({ name, points: [[0, 50] as const] })),
  }),
}

describe.each(Object.entries(SIGHT))('%s', (_, sight) => {
  // A distance of 2.3 is just noticeable side by side.
  test.each(Object.entries(CHARTS))('curves of %s differ, from each other and from the paper', (_, { curves }) => {
    const colours = [...new Set(curves.map(({ look }) => look.colour)), '#ffffff']
    expect(colours.length).toBeGreaterThan(2)
    for (const [i, a] of colours.entries()) {
      for (const b of colours.slice(i + 1)) expect(distance(a, b, sight), `${a} and ${b}`).toBeGreaterThan(20)
    }
  })
})
