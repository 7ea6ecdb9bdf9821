/** Two ranks that are killed at any moment, one of them or what launched them, go on to the bits of the run that nothing struck. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { isAlive, ranksOf, startRanks } from '../ranks/mpi.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'
import { goOn, type Outcome, outcomeOf, remainsOf, TRAIN } from './torture.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const TRIALS = full ? 200 : 2
const TIMEOUT = { timeout: 400_000 }
/** Until the others of a job have ended, once one of it was killed. */
const ENDS_MS = 30_000

const folder = temporaryFolder()
const whole = join(folder, 'whole')
let options: TrainOptions
let expected: Awaited<ReturnType<typeof remainsOf>>
/** How long the run takes that nothing strikes. */
let takesMs: number

const start = (options: TrainOptions) => startRanks(2, [JSON.stringify(options)], { program: TRAIN })

/** Of rank 0, who prints first or last: both end alike. */
async function onTwo(options: TrainOptions): Promise<Outcome> {
  const { code, output } = await start(options).ended
  const lines = output.split('\n').filter((line) => line.startsWith('{"code"'))
  if (lines.length === 0) throw new Error(`the job ended with ${code}: ${output}`)
  return outcomeOf({ code, signal: null, stdout: lines.join('\n'), stderr: output, at: 0 })
}

/** Steps, saves, evaluations, kept weights and plots, close together. */
beforeAll(async () => {
  const data = await captionList(folder, 'train', 24)
  options = {
    model: LIGHT,
    data,
    val: data,
    batchSize: 8,
    epochs: 4,
    threads: 1,
    lr: 1e-3,
    saveEvery: 2,
    keep: 1,
    weightsEvery: 2,
  }
  const begun = performance.now()
  expect(await onTwo({ ...options, out: whole })).toMatchObject({ code: 'done' })
  takesMs = performance.now() - begun
  expected = await remainsOf(whole)
}, TIMEOUT.timeout)

const trials = Array.from({ length: TRIALS }, (_, i) => i + 1)

test.each(trials)('killed at some moment: trial %i', TIMEOUT, async (trial) => {
  const out = join(folder, `killed-${trial}`)
  // From the start on, as starting is most of it: before there is a folder, in it, and after the last step.
  const at = Math.random() * takesMs
  const victim = (['rank 0', 'rank 1', 'mpirun'] as const)[trial % 3]!
  const where = `${victim} after ${Math.round(at)} ms`
  const job = start({ ...options, out })
  await sleep(at)
  const ranks = ranksOf(job, TRAIN)
  const pid = victim === 'mpirun' ? job.process.pid : ranks[Number(victim.at(-1))]
  if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
  const { output } = await job.ended
  const killed = performance.now()
  while (ranks.some(isAlive) && performance.now() - killed < ENDS_MS) await sleep(20)
  expect([where, ranks.filter(isAlive)]).toEqual([where, []])
  // Whoever was not killed ends by itself or by its launcher, and not by a fault of its own.
  expect([where, output]).toEqual([where, expect.not.stringMatching(/Segmentation|Aborted|signal (4|6|7|8|11)\b/)])
  const went = await goOn({ ...options, out }, onTwo)
  expect([where, went]).toMatchObject([where, { code: 'done' }])
  expect([where, await remainsOf(out)]).toEqual([where, expected])
})
