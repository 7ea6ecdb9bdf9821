/** The paper model of N ranks: what it is made of. Its bytes are held against the engine's in test/ranks/bench.test.ts. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { bytesSent, shareOf } from '../../bench/scaling/bytes.mjs'
import { predicted } from '../../bench/scaling/here.mjs'
import { stepTimes } from '../../bench/scaling/model.mjs'
import { gatherTime, networks, reduceTime } from '../../bench/scaling/network.mjs'
import { page, updated } from '../../bench/scaling.mjs'

const network = networks['NVLink 4, 8 x NDR']!

it('is what scaling.md shows', () => {
  const text = readFileSync(page, 'utf8')
  expect(text).toBe(updated(text))
  expect(text).toMatch(/\| ViT-B-32, 1024 pairs +\| +after it \| +100 % \|/)
})

it('sends nothing in one process, and what others must have in several', () => {
  const step = { batch: 64, embedDim: 512, gradientWords: 1e6, precision: 'fp32' } as const
  expect(Object.values(bytesSent({ ...step, ranks: 1 }))).toEqual([0, 0, 0, 0, 0])
  const two = bytesSent({ ...step, ranks: 2 })
  expect(two).toMatchObject({ all_gather: 32 * 512 * 4, reduce_scatter: 32 * 512 * 4, all_reduce: 4 * (1e6 + 1) })
  // However many ranks, no rank sends twice all gradients.
  expect(bytesSent({ ...step, ranks: 1024 }).all_reduce).toBeLessThan(2 * 4e6 + 4096 * 4)
  const shares = Array.from({ length: 3 }, (_, rank) => shareOf(10, { rank, ranks: 3 }))
  expect(shares).toEqual([4, 3, 3])
})

it('takes a collective to be as long as its slowest line and its hops', () => {
  expect(reduceTime(1e9, 1, network)).toBe(0)
  expect(gatherTime(1e9, 1, network)).toBe(0)
  const { base, within, between } = network!
  expect(gatherTime(1e9, 8, network)).toBeCloseTo(base + 7 * within.hop + (7 / 8) * (1e9 / within.bandwidth), 12)
  const hops = 14 * within.hop + 2 * between.hop
  expect(gatherTime(1e9, 16, network)).toBeCloseTo(base + hops + (15 / 16) * (1e9 / between.bandwidth), 12)
  // A few bytes over a thousand cards go by a tree.
  expect(reduceTime(4, 1024, network)).toBeCloseTo(base + 2 * (7 * between.hop + 7 * within.hop), 8)
})

it('hides gradients behind the backward pass, but for the last bucket', () => {
  const { after, meanwhile, parts } = stepTimes('ViT-B-32', { ranks: 64, batch: 65536, network })
  expect(after - meanwhile).toBeCloseTo(parts.gradients - parts.exposed, 12)
  expect(parts.exposed).toBeCloseTo(parts.gradients / 10, 12)
  const slow = stepTimes('ViT-B-32', { ranks: 64, batch: 65536, network: networks['NVLink 4, 100 GbE']! })
  expect(slow.parts.exposed).toBeCloseTo(slow.parts.gradients - slow.parts.backward, 12)
})

it('repeats the optimizer on each rank of a machine, and reads collectives off what they took alone', () => {
  const profile = {
    stepMs: 100,
    ops: [
      { name: 'linear', ms: 80 },
      { name: 'optimizer_step', ms: 10 },
    ],
  }
  const sizes = [
    { bytes: 4, medianUs: 1000 },
    { bytes: 104, medianUs: 2000 },
  ]
  const collectives = ['all_reduce', 'all_gather', 'reduce_scatter'].map((name) => ({ name, sizes }))
  const dist = { ranks: 2, collectives }
  expect(predicted(profile, dist, { gradientBytes: 208, featureBytes: 54 })).toEqual({
    shared: 90,
    repeated: 20,
    between: 4 + 1.5 + 1.5,
  })
})
