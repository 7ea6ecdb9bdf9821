import { afterEach, expect, test, vi } from 'vitest'
import type { Clip } from '../../../lib/clip/clip.js'
import { Adam, AdamW, Lamb, Lion, Sgd } from '../../../lib/optim/rules.js'
import { makeOptimizer } from '../../../lib/train/options/optimizer.js'

// Each class notes how it was made.
vi.mock('../../../lib/optim/rules.js', () => ({
  AdamW: vi.fn(class {}),
  Adam: vi.fn(class {}),
  Lion: vi.fn(class {}),
  Lamb: vi.fn(class {}),
  Sgd: vi.fn(class {}),
}))
afterEach(() => vi.clearAllMocks())

const clip = {} as Clip

test.each([
  ['adamw', AdamW, { betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0.2 }],
  ['adam', Adam, { betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0 }],
  ['lion', Lion, { betas: [0.9, 0.99], weightDecay: 0 }],
  ['lamb', Lamb, { betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0.01 }],
  ['sgd', Sgd, { momentum: 0, weightDecay: 0 }],
] as const)('optimizer %s is made with its defaults, and with what is given', (optimizer, Made, defaults) => {
  expect(makeOptimizer(clip, { optimizer, lr: 1e-3, decayAll: false, layerDecay: 1 })).toBeInstanceOf(Made)
  expect(Made).toHaveBeenLastCalledWith(clip, { lr: 1e-3, ...defaults, groups: [] })
  makeOptimizer(clip, { optimizer, lr: 2e-3, decayAll: true, layerDecay: 1, weightDecay: 0.5 })
  const groups = [{ match: expect.any(RegExp), weightDecay: 0.5 }]
  expect(Made).toHaveBeenLastCalledWith(clip, { lr: 2e-3, ...defaults, weightDecay: 0.5, groups })
})
