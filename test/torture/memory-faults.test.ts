/** The system refuses memory that the core asks for: a run ends with a sentence, or makes its step in smaller micro-batches. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { onRanks } from '../ranks/mpi.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT, logOf, stepsOf, warningsOf } from '../train/runs.js'
import { IoFaults } from './io-faults.js'
import { goOn, outcomeOf } from './torture.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const TIMEOUT = { timeout: full ? 1_800_000 : 400_000 }
const CORE = fileURLToPath(new URL('../../build/Release/clipwright.node', import.meta.url))
const folder = temporaryFolder()
const whole = join(folder, 'whole')

let faults: IoFaults
let options: TrainOptions
/** How often the core asks for memory. */
let asked: number
const memory = (at: number, times = 1) => ({ under: CORE, calls: ['memory'], at, times, kind: 'ENOMEM' }) as const

beforeAll(async () => {
  faults = new IoFaults(folder)
  const data = await captionList(folder, 'train', 48)
  options = { model: LIGHT, data, batchSize: 16, epochs: 1, threads: 1, lr: 1e-3, logEvery: 1 }
  const ended = await faults.train({ ...options, out: whole }, memory(0))
  expect(outcomeOf(ended)).toEqual({ code: 'done', warnings: [] })
  asked = ended.counted
  expect(asked).toBeGreaterThan(4)
}, TIMEOUT.timeout)

/** As the whole run to rounding. */
function expectTheSame(out: string): void {
  const [a, b] = [whole, out].map((run) => stepsOf(logOf(run))) as [
    ReturnType<typeof stepsOf>,
    ReturnType<typeof stepsOf>,
  ]
  expect(b.map(({ step }) => step)).toEqual(a.map(({ step }) => step))
  for (const [i, { loss }] of a.entries()) expect(Math.abs(b[i]!.loss - loss)).toBeLessThan(1e-4 * loss)
}

test('refused once, wherever it is', TIMEOUT, async () => {
  let halved = 0
  const places = Array.from({ length: full ? asked : 4 }, (_, i) =>
    full ? i + 1 : Math.ceil(((i + 1) * asked) / 4) - 1,
  )
  for (const at of places) {
    const out = join(folder, `once-${at}`)
    const ended = await faults.train({ ...options, out }, memory(at))
    expect([at, ended.struck]).toEqual([at, 1])
    const { code, message, warnings } = outcomeOf(ended)
    if (code !== 'done') {
      expect([at, code, message]).toEqual([at, 'ERR_OUT_OF_MEMORY', expect.stringMatching(/bytes|MiB|memory/)])
      expect(await goOn({ ...options, out })).toMatchObject({ code: 'done' })
    } else {
      // Said once for each halving; a second one finds the memory.
      expect([at, warnings]).toEqual([
        at,
        [expect.stringMatching(/^memory: step \d+ found no memory on cpu .* 8 pairs go/)],
      ])
      halved++
    }
    expectTheSame(out)
  }
  if (full) expect(halved).toBeGreaterThan(0)
})

test('refused to one of two ranks in a step: both halve it', TIMEOUT, async () => {
  // Joining asks for a little more than one process does; the last are for a step, and of these some before it begins.
  for (let at = asked + 3; at > 0; at--) {
    const out = join(folder, `rank-${at}`)
    const file = join(folder, `rank-${at}.json`)
    writeFileSync(file, JSON.stringify({ ...options, out }))
    const { environment } = faults.told(memory(at))
    const { code, output } = await onRanks(2, ['train', '--config', file], { env: { 1: environment } })
    if (code !== 0) {
      // In the middle of a step others wait already: the job ends, and says why on both.
      expect(output).toMatch(/clipwright, rank 1 of 2: .*memory/)
      expect(output).toMatch(/clipwright, rank 0 of 2: .*rank 1 of 2 .*memory/)
      continue
    }
    expectTheSame(out)
    const said = warningsOf(logOf(out), 'memory')
    if (said.length === 0) continue // fewer calls than one process makes
    expect(said).toEqual([expect.stringMatching(/^step \d found no memory .* 4 pairs go through/)])
    return
  }
  throw new Error('no step was halved')
})
