/** A long run holds no more in the end than when it had begun. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { answerOf, Program } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const STEPS = full ? 20_000 : 1000
const TIMEOUT = full ? 3_600_000 : 240_000

type Sample = { step: number; rss: number; heap: number; buffers: number; descriptors: number; handles: number }

const folder = temporaryFolder()

test(`${STEPS} steps with saves and evaluations: memory, descriptors and handles stay flat`, {
  timeout: TIMEOUT,
}, async () => {
  const data = await captionList(folder, 'train', 40)
  const options = {
    ...{ model: LIGHT, data, val: data, batchSize: 8, epochs: STEPS / 5, threads: 1, lr: 1e-4, keep: 2 },
    ...{ evalEvery: STEPS / 50, saveEvery: STEPS / 10, logEvery: 5, out: join(folder, 'soak') },
  }
  const script = fileURLToPath(new URL('soak.mjs', import.meta.url))
  const program = new Program(process.execPath, ['--expose-gc', script, JSON.stringify(options)], { timeout: TIMEOUT })
  const { steps, samples } = await answerOf<{ steps: number; samples: Sample[] }>(program)
  expect(steps).toBe(STEPS)
  expect(samples.length).toBeGreaterThanOrEqual(40)
  // Begun is what starts once; the middle of the rest is held against its end.
  const least = (from: number, to: number, of: (sample: Sample) => number) =>
    Math.min(...samples.slice(from, to).map(of))
  const grows = (of: (sample: Sample) => number) => least(30, 40, of) - least(10, 20, of)
  const figures = (['rss', 'heap', 'buffers', 'descriptors', 'handles'] as const).map((name) => [
    name,
    least(10, 20, (sample) => sample[name]),
    grows((sample) => sample[name]),
  ])
  console.log(`of ${STEPS} steps, least of the second and growth to the last quarter: ${JSON.stringify(figures)}`)
  expect(grows(({ descriptors }) => descriptors)).toBeLessThanOrEqual(0)
  expect(grows(({ handles }) => handles)).toBeLessThanOrEqual(0)
  expect(grows(({ heap }) => heap)).toBeLessThan(2)
  expect(grows(({ buffers }) => buffers)).toBeLessThan(2)
  // A thousand steps are not over with warming up: allocators, decoders, code.
  expect(grows(({ rss }) => rss)).toBeLessThan(full ? 24 : 64)
})
