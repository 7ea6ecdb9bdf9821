import { describe, expect, test } from 'vitest'
import { Draws, Stream } from '../../../lib/base/random.js'
import { minimize } from '../../../lib/eval/probe/lbfgs.js'
import { fitLogistic, LogisticLoss, predictClasses } from '../../../lib/eval/probe/logistic.js'
import { sweepL2 } from '../../../lib/eval/probe/sweep.js'
import { clouds } from './clouds.js'
import { newton } from './newton.js'

describe('LogisticLoss', () => {
  test('has the gradient that finite differences have', async () => {
    for (const classes of [2, 5, 8]) {
      const loss = new LogisticLoss(clouds(131, 6, classes, 2), classes, 0.7)
      const draws = new Draws(1, Stream.bootstrap, 1, classes)
      const x = Float64Array.from({ length: loss.size }, () => draws.next() - 0.5)
      const gradient = new Float64Array(loss.size)
      await loss.value(x, gradient)
      const unused = new Float64Array(loss.size)
      for (let i = 0; i < x.length; i++) {
        const at = async (by: number) => {
          const moved = x.slice()
          moved[i]! += by
          return loss.value(moved, unused)
        }
        expect(gradient[i]).toBeCloseTo(((await at(1e-5)) - (await at(-1e-5))) / 2e-5, 7)
      }
    }
  })
})

describe('fitLogistic', () => {
  test.each([
    [0.01, 3],
    [1, 3],
    [30, 5],
  ])('finds the minimum that Newton finds, with l2 %d', async (l2, classes) => {
    const data = clouds(150, 4, classes, 2)
    const exact = newton(data, classes, l2)
    const { model, converged, value } = await fitLogistic(data, classes, l2, { maxIterations: 1000, tolerance: 1e-9 })
    expect(converged).toBe(true)
    expect(value).toBeCloseTo(exact.value, 11)
    for (const [i, w] of model.weights.entries()) expect(w).toBeCloseTo(exact.weights[i]!, 5)
    // Biases are the same but for what is added to all of them.
    for (const [c, b] of model.bias.entries())
      expect(b - model.bias[0]!).toBeCloseTo(exact.bias[c]! - exact.bias[0]!, 4)
  })

  test('comes to the same minimum from elsewhere, in fewer steps from nearby', async () => {
    const data = clouds(150, 4, 3, 2)
    const o = { maxIterations: 1000, tolerance: 1e-7 }
    const cold = await fitLogistic(data, 3, 1, o)
    const near = await fitLogistic(data, 3, 1, o, (await fitLogistic(data, 3, 1.3, o)).x)
    expect(near.iterations).toBeLessThan(cold.iterations)
    for (const [i, w] of near.model.weights.entries()) expect(w).toBeCloseTo(cold.model.weights[i]!, 4)
  })

  test('tells classes apart that are apart', async () => {
    const data = clouds(60, 4, 5, 0.1)
    const { model } = await fitLogistic(data, 5, 1e-3, { maxIterations: 1000, tolerance: 1e-4 })
    expect(predictClasses(data.features, model)).toEqual(data.labels)
  })

  test('says when its iterations were not enough', async () => {
    const few = await fitLogistic(clouds(60, 4, 3, 2), 3, 1e-3, { maxIterations: 2, tolerance: 1e-9 })
    expect(few).toMatchObject({ converged: false, iterations: 2 })
  })
})

describe('minimize', () => {
  test('learns how long steps are from the last one', async () => {
    // Far from a step of 1 in either direction.
    for (const scale of [1e-4, 1e4]) {
      const bowl = async (x: Float64Array, g: Float64Array) => {
        for (const [i, at] of x.entries()) g[i] = scale * (i + 1) * (at - 1)
        return x.reduce((sum, at, i) => sum + (scale * (i + 1) * (at - 1) ** 2) / 2, 0)
      }
      let looks = 0
      const counted = (x: Float64Array, g: Float64Array) => {
        looks++
        return bowl(x, g)
      }
      const { x } = await minimize(counted, new Float64Array(20), { maxIterations: 100, tolerance: 1e-9 * scale })
      for (const at of x) expect(at).toBeCloseTo(1, 5)
      expect(looks).toBeLessThan(60)
    }
  })

  test("finds the end of Rosenbrock's valley", async () => {
    const rosenbrock = async (x: Float64Array, g: Float64Array) => {
      const [a, b] = [1 - x[0]!, x[1]! - x[0]! * x[0]!]
      g[0] = -2 * a - 400 * x[0]! * b
      g[1] = 200 * b
      return a * a + 100 * b * b
    }
    const { x, converged, iterations } = await minimize(rosenbrock, Float64Array.of(-1.2, 1), {
      maxIterations: 200,
      tolerance: 1e-8,
    })
    expect(converged).toBe(true)
    expect(iterations).toBeLessThan(80)
    expect(x[0]).toBeCloseTo(1, 6)
    expect(x[1]).toBeCloseTo(1, 6)
  })
})

describe('sweepL2', () => {
  test('finds the best of 96 steps from 1e-6 to 1e6 with few tries, larger ones first among equals', async () => {
    for (const peak of [-6, -3.375, 0.5, 1.125, 6]) {
      const { best, tried } = await sweepL2(async (l2) => ({ score: -Math.abs(Math.log10(l2) - peak), result: l2 }))
      expect(Math.log10(best.l2)).toBeCloseTo(peak, 9)
      expect(best.result).toBe(best.l2)
      expect(tried.length).toBeLessThanOrEqual(15)
      const steps = tried.map(({ l2 }) => Math.log10(l2) * 8)
      for (const step of steps) expect(step).toBeCloseTo(Math.round(step), 6)
      expect(tried.map(({ l2 }) => l2)).toEqual(tried.map(({ l2 }) => l2).sort((a, b) => a - b))
    }
    expect((await sweepL2(async () => ({ score: 1, result: 0 }))).best.l2).toBeCloseTo(1e6, 3)
  })
})
