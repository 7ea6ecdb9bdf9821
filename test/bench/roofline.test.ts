import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cards, floorOf, launchGap, page, predict, updated } from '../../bench/roofline.mjs'
import { lossOps, lossTile } from '../../bench/roofline-ops.mjs'
import { attentionGradKernels, models, parameterCount, stepOps, towerFlops } from '../../bench/roofline-step.mjs'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import { trainFlopsPerPair } from '../../lib/models/flops.js'
import { modelConfig } from '../../lib/models/registry.js'
import { resolveModel } from '../../lib/models/resolve.js'

const registered = ['ViT-B-32', 'ViT-B-16', 'ViT-L-14'] as const
const resolve = (name: string) => resolveModel(modelConfig(name), parsePreprocessConfig({}, 224, name), name)

describe('the paper model', () => {
  it('is what roofline.md shows', () => {
    const text = readFileSync(page, 'utf8')
    expect(text).toBe(updated(text))
    expect(text).toMatch(/\| ViT-H-14 \| +B200 \| +128 \| +[\d.]+ \| +\d+ \|/)
  })

  it.each(registered)('takes the sizes of %s from its configuration', (name) => {
    expect(resolve(name)).toMatchObject(models[name])
  })

  it.each(registered)('counts the FLOPs of %s as lib/models/flops.ts does', (name) => {
    const model = resolve(name)
    for (const [batch, tokens] of [
      [1, 77],
      [64, 20],
      [1024, 7],
    ] as const) {
      const expected = batch * trainFlopsPerPair(model, tokens)
      expect(towerFlops(stepOps(models[name], batch, tokens, cards.H200)) / expected).toBeCloseTo(1, 12)
    }
  })

  it('knows the numbers of parameters that open_clip prints', () => {
    expect(Object.values(models).map(parameterCount)).toEqual([151277313, 149620737, 427616513, 986109441])
  })

  it('takes the slower of arithmetic and memory for each op, and adds the launches', () => {
    const card = { bf16: 100, mma: 50, f32: 10, memory: 1000, multiprocessors: 1, shared: 0 }
    const op = { name: 'x', part: 'rest', rate: 'bf16' as const, again: 0 }
    const floor = floorOf(
      [
        { ...op, times: 2, flops: 300, again: 100, bytes: 1000, launches: 3 },
        { ...op, times: 1, rate: 'f32' as const, flops: 10, bytes: 5000, launches: 1 },
      ],
      card,
    )
    expect(floor.parts).toEqual({ compute: 8, memory: 5, launch: 7 * launchGap })
    expect(floor.bound).toBe('compute')
    expect(floor.seconds).toBeCloseTo(13 + 7 * launchGap, 12)
  })

  it('never promises more than the card has', () => {
    for (const name of Object.keys(models) as (keyof typeof models)[])
      for (const card of Object.values(cards)) {
        const { ops, floor, utilisation } = predict(name, card)
        expect(utilisation).toBeLessThan(1)
        for (const op of ops) expect(op.bytes * op.times).toBeLessThanOrEqual(floor.seconds * card.memory)
      }
  })

  it("keeps InfoNCE's tiles far below twice the features at 65,536 pairs", () => {
    for (const embedDim of [512, 768, 1024]) {
      const tile = lossTile(embedDim, cards.H100.multiprocessors)
      expect(tile % 256).toBe(0)
      expect(tile * tile * 6).toBeLessThan(2 * (2 * 65536 * embedDim * 2))
    }
  })

  it.each([
    // Forward and backward make 2 and 6 n²E in tiles; sweeps make the logits again for each side.
    ['f32', 512, cards.H200, 3 * 256, 3],
    ['bf16', 512, cards.H200, 2, 4],
    ['bf16', 768, cards.H200, 2, 3], // too wide for the backward sweep
    ['bf16', 512, cards.A100, 2, 3], // which an A100 does not hold
  ] as const)(
    'sweeps over pairs of %s features of %i where a card holds them',
    (type, embedDim, card, launches, backward) => {
      const ops = lossOps(65536, embedDim, card, type)
      const [forward, gradient] = ['info_nce', 'info_nce_grad'].map((name) => ops.find((op) => op.name === name)!)
      expect(forward!.flops).toBe(2 * 65536 ** 2 * embedDim)
      expect(forward!.launches).toBe(launches)
      expect((gradient!.flops + gradient!.again) / forward!.flops).toBe(backward)
    },
  )

  it('takes one kernel for the gradient of attention where a block holds the sequence', () => {
    const kernels = (tokens: number, headSize = 64, shared = cards.H200.shared) =>
      attentionGradKernels(tokens, tokens, headSize, shared)
    expect([20, 50, 96, 97, 197, 257, 272, 273].map((tokens) => kernels(tokens))).toEqual([
      'keys',
      'keys',
      'keys',
      'whole',
      'whole',
      'whole',
      'whole',
      'both',
    ])
    expect([kernels(257, 80), kernels(64, 80), kernels(257, 64, 101376)]).toEqual(['both', 'keys', 'both'])
  })
})
