import { describe, expect, it } from 'vitest'
import { clipwright } from './model-and-pictures.js'

describe('clipwright', () => {
  it('bench step runs on the best device unless told otherwise', async () => {
    const { device } = JSON.parse((await clipwright('doctor', '--json')).stdout)
    const step = ['bench', 'step', '--model', 'ViT-tiny-test', '--batch-size', '2', '--steps', '1', '--json']
    expect(JSON.parse((await clipwright(...step)).stdout).device).toBe(device)
    // What 'auto' means can be told by the environment; 'cpu' stays what it is.
    process.env.CLIPWRIGHT_BACKEND = 'cuda'
    try {
      expect((await clipwright(...step)).code).toBe(device === 'cpu' ? 1 : 0)
      expect(await clipwright(...step, '--device', 'cpu')).toMatchObject({ code: 0 })
    } finally {
      delete process.env.CLIPWRIGHT_BACKEND
    }
  })

  it('bench step calls wrong options by their flags', async () => {
    const tokens = await clipwright('bench', 'step', '--model', 'ViT-tiny-test', '--tokens', '100')
    expect(tokens).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--tokens: ViT-tiny-test takes 32 at most'),
    })
  })

  it.each(['bf16', 'fp16'])('bench step measures a whole step in %s', async (precision) => {
    const { code, stdout } = await clipwright(
      'bench',
      'step',
      '--model',
      'ViT-tiny-test',
      '--precision',
      precision,
      '--batch-size',
      '4',
      '--tokens',
      '6',
      '--steps',
      '2',
      '--json',
    )
    expect(code).toBe(0)
    const r = JSON.parse(stdout)
    expect(r.pairsPerSecond).toBeCloseTo(4000 / r.stepMs, 6)
    expect(r.gflops).toBeGreaterThan(0)
    expect(r.peakRssMiB).toBeGreaterThan(10)
    expect(r.shareOfOnednn).toBeCloseTo(r.gflops / r.onednnGflops, 9)
  })
})
