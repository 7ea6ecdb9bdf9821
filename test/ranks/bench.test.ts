/** `clipwright bench` of several ranks: what is measured between them, and what a step sends. */
import { expect, test, vi } from 'vitest'
import { bytesSent, PIECES } from '../../bench/scaling/bytes.mjs'
import { Clip } from '../../lib/clip/clip.js'
import { sessionOf } from '../../lib/clip/session.js'
import { InfoNCE } from '../../lib/loss/info-nce.js'
import { clipwright } from '../cli/model-and-pictures.js'
import { onRanks } from './mpi.js'

vi.setConfig({ testTimeout: 120_000 })
const TINY = ['--model', 'ViT-tiny-test', '--threads', '1', '--device', 'cpu']

async function bench(size: number, ...args: string[]) {
  const { code, output } = await onRanks(size, ['bench', ...args, '--json'])
  expect(code, output).toBe(0)
  // Warnings stand beside it.
  return JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!)
}

test.each([2, 3])('dist tells latency and bandwidth of %i ranks', async (ranks) => {
  const r = await bench(ranks, 'dist', '--most-mib', '1', '--seconds', '0.02', '--device', 'cpu')
  expect(r).toMatchObject({ ranks, hosts: 1, device: 'cpu' })
  expect(r.collectives.map(({ name }: { name: string }) => name)).toEqual([
    'all_reduce',
    'all_gather',
    'reduce_scatter',
  ])
  for (const { name, sizes, fit } of r.collectives) {
    expect(sizes[0].bytes, name).toBe(name === 'all_reduce' ? 4 : 16)
    expect(sizes.at(-1).bytes, name).toBe(2 ** 20)
    // Rank 0 has the larger part of what does not come out even.
    const part = Math.ceil(2 ** 18 / ranks) * 4
    const rest = 2 ** 20 - part
    const sent = { all_reduce: rest + part * (ranks - 1), all_gather: part * (ranks - 1), reduce_scatter: rest }
    expect(sizes.at(-1).sent, name).toBe(sent[name as keyof typeof sent])
    for (const { bestUs, medianUs, calls } of sizes) {
      expect(bestUs).toBeGreaterThan(0)
      expect(medianUs).toBeGreaterThanOrEqual(bestUs)
      expect(calls).toBeGreaterThanOrEqual(1)
    }
    expect(fit.worst, name).toBeGreaterThanOrEqual(1)
    expect(fit.alphaUs, name).toBeGreaterThanOrEqual(0)
  }
})

test('dist has nothing to measure in one process, and says how to start several', async () => {
  const { code, stderr } = await clipwright('bench', 'dist')
  expect(code).toBe(1)
  expect(stderr).toMatch(/nothing to measure; start several .*mpirun -n 2 npx clipwright bench dist\./)
})

test.each([
  [2, 7, 'fp32'],
  [3, 10, 'fp32'],
  [2, 2050, 'bf16'],
] as const)(
  'a step of %i ranks and %i pairs in %s sends what the model of bench/scaling says',
  async (ranks, batch, precision) => {
    const clip = await Clip.create('ViT-tiny-test', { device: 'cpu', threads: 1 })
    const loss = new InfoNCE().toNative()
    const shape = { batch: 1, tokens: 2, microBatch: 0, checkpointing: false, teacherDim: 0, loss }
    const { gradients } = await sessionOf(clip, 'test').call((native) => native.plan(shape))
    const { embed_dim: embedDim } = clip.config
    await clip.dispose()
    const how = ['--batch-size', String(batch), '--tokens', '4', '--precision', precision, '--steps', '1']
    const r = await bench(ranks, 'step', ...TINY, ...how)
    expect(r.ranks).toBe(ranks)
    expect(r.pairsPerSecond).toBeCloseTo((1000 * batch) / r.stepMs, 6)
    const model = bytesSent({ ranks, batch, embedDim, gradientWords: gradients / 4, precision, piece: PIECES.machine })
    const counted = Object.entries(r.sent as Record<string, { bytes: number }>).map(([name, { bytes }]) => [
      name,
      bytes,
    ])
    expect(Object.fromEntries(counted)).toEqual(model)
    expect(r.sent).toMatchObject({ all_gather: { calls: 1 }, merge_lse: { calls: 1 }, reduce_scatter: { calls: 1 } })
  },
)

test('a batch that is smaller than the number of ranks is refused by its flag', async () => {
  const { code, output } = await onRanks(3, ['bench', 'step', ...TINY, '--batch-size', '2'])
  expect(code).not.toBe(0)
  expect(output).toMatch(/--batch-size: 2 pairs cannot be shared by 3 ranks/)
})
