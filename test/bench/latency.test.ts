import { expect, it } from 'vitest'
import { fitLatency } from '../../lib/bench/latency.js'

const line = (alpha: number, beta: number) =>
  [1, 10, 1e3, 1e6, 1e8].map((sent) => ({ sent, seconds: alpha + beta * sent }))

it('finds the line that points lie on, however far their sizes are apart', () => {
  const { alpha, beta, worst } = fitLatency(line(3e-6, 2e-10))
  expect(alpha / 3e-6).toBeCloseTo(1, 9)
  expect(beta / 2e-10).toBeCloseTo(1, 9)
  expect(worst).toBeCloseTo(1, 9)
})

it('says how far the farthest point is from it, both ways', () => {
  const off = (by: number) =>
    fitLatency(line(3e-6, 2e-10).map((p, i) => (i === 2 ? { ...p, seconds: p.seconds * by } : p)))
  expect(off(4).worst).toBeGreaterThan(2)
  expect(off(1 / 4).worst).toBeGreaterThan(1.5)
})

it('has no negative numbers', () => {
  const falling = fitLatency([
    { sent: 1, seconds: 2 },
    { sent: 100, seconds: 1 },
  ])
  expect(falling.beta).toBe(0)
  expect(falling.alpha).toBeGreaterThan(0)
  const steep = fitLatency([
    { sent: 10, seconds: 1 },
    { sent: 100, seconds: 20 },
  ])
  expect(steep.alpha).toBe(0)
  expect(steep.beta).toBeGreaterThan(0)
})
