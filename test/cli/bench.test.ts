import { afterEach, describe, expect, it, vi } from 'vitest'
import { useBackend } from '../clip/emulated-cuda.js'
import { clipwright, unwrapped } from './model-and-pictures.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

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
    for (const key of ['latencyMs', 'deviceMs', 'hostGapMs']) expect(r).not.toHaveProperty(key)
  })

  it('bench step tells on a card what is throughput, latency, its work and its waits', async () => {
    useBackend('cuda')
    const step = ['bench', 'step', '--model', 'ViT-tiny-test', '--batch-size', '2', '--tokens', '4', '--steps', '2']
    const { code, stdout } = await clipwright(...step, '--precision', 'fp32', '--json')
    expect(code).toBe(0)
    const r = JSON.parse(stdout)
    expect(r.device).toBe('cuda:0')
    expect(r.pairsPerSecond).toBeCloseTo(2000 / r.stepMs, 6)
    expect(r.deviceMs).toBeGreaterThan(0)
    expect(r.hostGapMs).toBeCloseTo(r.stepMs - r.deviceMs, 9)
    // A lone step does all that one of many does.
    expect(r.latencyMs).toBeGreaterThan(r.deviceMs / 2)
    expect(r).not.toHaveProperty('onednnGflops')
    const text = unwrapped((await clipwright(...step, '--precision', 'fp32')).stdout)
    expect(text).toMatch(
      /pairs\/s on cuda:0, [\d.]+ ms per step \(mean of 2 with one ahead, median [\d.]+ ms\), [\d.]+ ms of it the card's work, -?[\d.]+ ms waiting, [\d.]+ ms for a lone step/,
    )
  })
})
