/** Cards that talk to each other by NCCL: a stand-in for it between processes on the emulated card. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { EMULATED_CUDA } from '../clip/emulated-cuda.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { digestsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from '../train/runs.js'
import { onRanks, ranksOf, reach, startRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })
const standIn = (which: string) => fileURLToPath(new URL(`../../build/cmake/libfake_nccl_${which}.so`, import.meta.url))
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string
beforeAll(async () => {
  vi.stubEnv('CLIPWRIGHT_CUDA_LIBRARY', EMULATED_CUDA)
  vi.stubEnv('CLIPWRIGHT_NCCL', standIn('whole'))
  vi.stubEnv('CLIPWRIGHT_FAKE_NCCL_FOLDER', folder)
  data = await captionList(folder, 'train', 40)
})
afterAll(() => {
  vi.unstubAllEnvs()
})

const options = { model: LIGHT, batchSize: 10, epochs: 1, threads: 1, lr: 1e-3, logEvery: 1, device: 'cuda' } as const

function told(name: string, more: Partial<TrainOptions> = {}): string[] {
  const file = path(`${name}.config.json`)
  writeFileSync(file, JSON.stringify({ ...options, data, ...more, out: path(name) }))
  return ['train', '--config', file]
}

const dist = ['bench', 'dist', '--device', 'cuda', '--most-mib', '0.001', '--seconds', '0.001']

describe('ranks by NCCL', () => {
  // Three do not share ten pairs evenly.
  test.each([2, 3])('%i make the run of one process, and have the same bits again', async (size) => {
    await train({ ...options, data, out: path(`one-${size}`) }).result
    for (const name of [`nccl-${size}`, `again-${size}`]) {
      const { code, output } = await onRanks(size, told(name, size === 3 ? { microBatch: 2 } : {}))
      expect(code, output).toBe(0)
    }
    const [one, many] = [`one-${size}`, `nccl-${size}`].map((name) => stepsOf(logOf(path(name))))
    expect(many).toHaveLength(one!.length)
    for (const [i, { loss }] of one!.entries()) expect(Math.abs(many![i]!.loss - loss)).toBeLessThan(1e-4 * loss)
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path(`again-${size}`), file)).toEqual(await digestsOf(path(`nccl-${size}`), file))
  })

  test('bench dist names it, and the host where it is off', async () => {
    const nccl = await onRanks(2, dist)
    expect(nccl.output).toMatch(/2 ranks of 1 host, on cuda:0 through NCCL 2\.27\.3/)
    vi.stubEnv('CLIPWRIGHT_NCCL', 'off')
    const host = await onRanks(2, dist)
    vi.stubEnv('CLIPWRIGHT_NCCL', standIn('whole'))
    expect(host.output).toMatch(/through the host/)
  })
})

describe('what goes wrong', () => {
  const failing = async (args: string[], env: Record<number, Record<string, string>>) => {
    const { code, output, seconds } = await startRanks(2, args, { env }).ended
    expect(code, output).not.toBe(0)
    expect(seconds).toBeLessThan(60) // most of it until Node has started
    return output
  }

  test('a network that does not connect is told by all ranks', async () => {
    const output = await failing(dist, { 0: { CLIPWRIGHT_FAKE_NCCL: 'init' }, 1: { CLIPWRIGHT_FAKE_NCCL: 'init' } })
    expect(output).toMatch(/ncclCommInitRankConfig failed: unhandled system error.*CLIPWRIGHT_NCCL=off/)
    for (const rank of [0, 1]) expect(output).toContain(`clipwright, rank ${rank} of 2:`)
  })

  test('versions that differ', async () => {
    const output = await failing(dist, { 1: { CLIPWRIGHT_FAKE_NCCL_VERSION: '22105' } })
    expect(output).toMatch(/rank 0 has NCCL 2\.27\.3 and rank 1 has NCCL 2\.21\.5/)
  })

  test('a rank that is stopped after some steps and checkpoints: the others wait on their streams no longer', async () => {
    const job = startRanks(2, told('silent', { epochs: 500, saveEvery: 10 }))
    await reach(path('silent'), 25)
    const begun = performance.now()
    process.kill(ranksOf(job)[1]!, 'SIGSTOP')
    const { code, output } = await job.ended
    expect(performance.now() - begun).toBeLessThan(40_000)
    expect(code).not.toBe(0)
    expect(output).toMatch(/rank 0 of 2: .*rank 1 of 2 has not answered for 20 s/)
  })

  test('a rank that fails in the middle: the others wait on their streams no longer and give its reason', async () => {
    const output = await failing(told('later', { epochs: 50 }), { 1: { CLIPWRIGHT_FAKE_NCCL: 'later' } })
    expect(output).toMatch(/rank 1 of 2: .*remote process exited or there was a network error/)
    expect(output).toMatch(/rank 0 of 2: .*rank 1 of 2 \(.*\) ended: .*remote process exited/)
  })
})
