/** What fp16 adds to a model and its optimizer: the loss scale. */
import { describe, expect, it, vi } from 'vitest'
import { AdamW, type Clip, InfoNCE, Sgd } from '../../lib/index.js'
import { trainStep } from '../../lib/optim/train-step.js'
import { pixels, tiny, tokens } from './tiny.js'

const batch = () => ({ images: pixels(6), tokens: tokens(6) })
const loss = new InfoNCE()

async function weights(clip: Clip): Promise<Record<string, Float32Array>> {
  const all = clip.parameters().map(async (p) => [p.name, (await p.read()).data] as const)
  return Object.fromEntries(await Promise.all(all))
}

/** A step with this scale overflows: its gradients are beyond 65,504. */
const TOO_HIGH = 2 ** 24
/** Gradients of these models and batches times this do not. */
const FITS = 1024

async function withScale(clip: Clip, value: number): Promise<AdamW> {
  const optimizer = new AdamW(clip, { lr: 0.01 })
  await optimizer.restore({ ...(await optimizer.state()), lossScale: { value, goodSteps: 3 } })
  return optimizer
}

describe('fp16', () => {
  it('is what the model says, warns once that it is not fast here, and rounds features', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
    await using clip = await tiny({ precision: 'fp16' })
    await using again = await tiny({ precision: 'fp16' })
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/^This device has no fast fp16 products: .* multiplied in f32/),
    ])
    warn.mockRestore()
    expect(again.device).toBe('cpu')
    await using exact = await tiny()
    expect(clip.precision).toBe('fp16')
    const [a, b] = [await clip.encodeImages(pixels(3)), await exact.encodeImages(pixels(3))]
    const furthest = Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i]!)))
    expect(furthest).toBeGreaterThan(1e-6)
    expect(furthest).toBeLessThan(2e-3)
  })

  it('begins with a loss scale of 65,536 and counts the good steps', async () => {
    await using clip = await tiny({ precision: 'fp16' })
    expect((await new AdamW(clip, { lr: 0.01 }).state()).lossScale).toEqual({ value: 65536, goodSteps: 0 })
    const optimizer = await withScale(clip, FITS)
    await clip.forwardBackward(batch(), loss)
    expect(await optimizer.step()).toEqual({ gradNorm: expect.any(Number), skipped: false, lossScale: FITS })
    expect(await trainStep(clip, optimizer, batch(), loss)).toMatchObject({ skipped: false, lossScale: FITS })
    expect((await optimizer.state()).lossScale).toEqual({ value: FITS, goodSteps: 5 })
  })

  it('has gradients and norms without the scale', async () => {
    const gradients = async (precision: 'fp32' | 'fp16') => {
      await using clip = await tiny({ precision })
      await withScale(clip, FITS)
      await clip.forwardBackward(batch(), loss)
      await clip.forwardBackward(batch(), loss)
      const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
      const { data } = await proj.readGrad()
      return { data, ...(await new Sgd(clip, { lr: 0.1 }).step()), after: (await proj.read()).data }
    }
    const [exact, rounded] = [await gradients('fp32'), await gradients('fp16')]
    expect(rounded.gradNorm / exact.gradNorm).toBeCloseTo(1, 2)
    for (const key of ['data', 'after'] as const) {
      const size = Math.hypot(...exact[key])
      expect(Math.hypot(...exact[key].map((x, i) => x - rounded[key][i]!)) / size, key).toBeLessThan(0.01)
    }
  })

  it('skips a step that overflows, halves the scale, leaves all else, and goes on', async () => {
    await using clip = await tiny({ precision: 'fp16' })
    const optimizer = await withScale(clip, TOO_HIGH)
    const [before, state] = [await weights(clip), await optimizer.state()]
    await clip.forwardBackward(batch(), loss)
    const skipped = await optimizer.step()
    expect(skipped).toMatchObject({ skipped: true, lossScale: 2 ** 23 })
    expect(Number.isFinite(skipped.gradNorm)).toBe(false)
    expect(await weights(clip)).toEqual(before)
    expect(await optimizer.state()).toEqual({ ...state, lossScale: { value: 2 ** 23, goodSteps: 0 } })
    for (let i = 0; i < 24; i++) if (!(await trainStep(clip, optimizer, batch(), loss)).skipped) break
    expect((await optimizer.state()).steps).toBe(1)
    expect(await weights(clip)).not.toEqual(before)
  })

  it('stays at a scale of 1 when weights are beyond its range, and still skips', async () => {
    await using clip = await tiny({ precision: 'fp16' })
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
    const value = await proj.read()
    await proj.write({ shape: value.shape, data: value.data.fill(1e6) })
    const before = await weights(clip)
    const scales: (number | undefined)[] = []
    for (let i = 0; i < 18; i++) {
      const step = await trainStep(clip, optimizer, batch(), loss)
      expect(step.skipped).toBe(true)
      scales.push(step.lossScale)
    }
    expect(scales).toEqual(Array.from({ length: 18 }, (_, i) => Math.max(1, 2 ** (15 - i))))
    expect(await weights(clip)).toEqual(before)
  })

  it('goes on from a state bit for bit, its scale included', async () => {
    await using a = await tiny({ precision: 'fp16' })
    const first = await withScale(a, TOO_HIGH)
    const losses = async (clip: Clip, optimizer: AdamW, n: number) => {
      const all = []
      for (let i = 0; i < n; i++) all.push(await trainStep(clip, optimizer, batch(), loss))
      return all
    }
    expect((await losses(a, first, 3)).some(({ skipped }) => skipped)).toBe(true)
    const state = await first.state()
    await using b = await tiny({ precision: 'fp16', seed: 1 })
    for (const [i, p] of a.parameters().entries()) await b.parameters()[i]!.write(await p.read())
    const second = new AdamW(b, { lr: 0.01 })
    await second.restore(state)
    expect(await losses(b, second, 20)).toEqual(await losses(a, first, 20))
    expect(await second.state()).toEqual(await first.state())
    expect(await weights(b)).toEqual(await weights(a))
  })

  it('restores a state that has no scale, and other precisions one that has', async () => {
    await using clip = await tiny({ precision: 'fp16' })
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const { lossScale, ...old } = await optimizer.state()
    await optimizer.restore(old)
    expect((await optimizer.state()).lossScale).toEqual(lossScale)
    await using exact = await tiny()
    const plain = new AdamW(exact, { lr: 0.01 })
    await plain.restore({ ...old, lossScale: { value: 8, goodSteps: 1 } })
    expect(await plain.state()).toEqual(old)
  })

  it('restore clears gradients, which have another scale', async () => {
    await using clip = await tiny({ precision: 'fp16' })
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const state = await optimizer.state()
    await clip.forwardBackward(batch(), loss)
    await optimizer.restore({ ...state, lossScale: { value: 8, goodSteps: 1 } })
    const { data } = await clip.parameters()[0]!.readGrad()
    expect(data.every((x) => x === 0)).toBe(true)
    await expect(optimizer.step()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it.each([
    [{ value: 0.5, goodSteps: 0 }, 'value'],
    [{ value: 2 ** 25, goodSteps: 0 }, 'value'],
    [{ value: 8, goodSteps: 0.5 }, 'goodSteps'],
    [{ value: 8 }, 'goodSteps'],
  ])('restore refuses the loss scale %j', async (lossScale, option) => {
    await using clip = await tiny({ precision: 'fp16' })
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const state = await optimizer.state()
    await expect(optimizer.restore({ ...state, lossScale: lossScale as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(`restore: lossScale: option "${option}"`),
    })
    expect(await optimizer.state()).toEqual(state)
  })
})
