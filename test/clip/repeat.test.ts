/** The same seed, the same bits: on every backend and in every precision. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sessionOf } from '../../lib/clip/session.js'
import { AdamW, InfoNCE } from '../../lib/index.js'
import { trainStep } from '../../lib/optim/train-step.js'
import { BACKENDS, useBackend } from './emulated-cuda.js'
import { pixels, tiny, tokens } from './tiny.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe.each(BACKENDS)('on %s', (backend, device) => {
  it.each(['fp32', 'bf16', 'fp16'] as const)('two runs from one seed end with equal weights: %s', async (precision) => {
    useBackend(backend)
    const trained = async (seed: number) => {
      await using clip = await tiny({ seed, precision })
      expect(clip.device).toBe(device)
      // So few steps would all go into coming down to a scale that does not overflow.
      const scale = { value: 1024, goodSteps: 0 }
      if (precision === 'fp16') await sessionOf(clip, 'test').call((native) => native.setLossScale(scale))
      const optimizer = new AdamW(clip, { lr: 0.01 })
      const losses: number[] = []
      for (let step = 0; step < 4; step++) {
        const batch = { images: pixels(6), tokens: tokens(6) }
        losses.push((await trainStep(clip, optimizer, batch, new InfoNCE(), { microBatch: 4 })).loss)
      }
      return { losses, weights: await Promise.all(clip.parameters().map(async (p) => (await p.read()).data)) }
    }
    const one = await trained(3)
    expect(one.losses[3]).toBeLessThan(one.losses[0]!)
    expect(await trained(3)).toEqual(one)
    expect((await trained(4)).weights).not.toEqual(one.weights)
  })
})
