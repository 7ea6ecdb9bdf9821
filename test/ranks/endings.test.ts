/** A rank that fails, is killed, stopped or told otherwise ends the job on all of them; nothing hangs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { mpirun } from '../../scripts/setup/openmpi.mjs'
import { MAIN, Program } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { digestsOf, LIGHT, logOf, WEIGHTS } from '../train/runs.js'
import { isAlive, onRanks, ranksOf, reach, startRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000 }) // a job waits up to 20 s for a silent rank
const ENDING_RANK = fileURLToPath(new URL('../programs/ending-rank.mjs', import.meta.url))
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 64)
})

function told(name: string, more: object = {}): string[] {
  const file = path(`${name}.config.json`)
  const given = { model: LIGHT, batchSize: 8, epochs: 2000, threads: 1, lr: 1e-3, logEvery: 1, saveEvery: 20, data }
  writeFileSync(file, JSON.stringify({ ...given, out: path(name), ...more }))
  return ['train', '--config', file]
}

describe('an end on one rank is an end on all', () => {
  test('killed: the job is over within 30 s, and the last checkpoint resumes', async () => {
    const job = startRanks(2, told('killed'))
    await reach(path('killed'), 50)
    const begun = performance.now()
    const ranks = ranksOf(job)
    process.kill(ranks[1]!, 'SIGKILL')
    const { code, output } = await job.ended
    while (ranks.some(isAlive)) await sleep(50) // a launcher may go before the ranks that it ends
    expect(performance.now() - begun).toBeLessThan(30_000)
    expect(code).not.toBe(0)
    expect(output).toMatch(/rank 1|signal 9|Killed/)
    const resumed = startRanks(2, ['train', '--resume', path('killed')])
    await reach(path('killed'), 90)
    resumed.process.kill('SIGKILL')
    for (const pid of ranksOf(resumed)) process.kill(pid, 'SIGKILL')
    await resumed.ended
    expect(Object.keys(await digestsOf(path('killed'), WEIGHTS)).length).toBeGreaterThan(5)
  })

  test('stopped without a word: the others find it silent and say so', async () => {
    const job = startRanks(3, told('silent'))
    await reach(path('silent'), 20)
    const begun = performance.now()
    process.kill(ranksOf(job)[2]!, 'SIGSTOP')
    const { code, output } = await job.ended
    expect(performance.now() - begun).toBeLessThan(40_000)
    expect(code).not.toBe(0)
    expect(output).toMatch(/rank 2 of 3 has not answered for 20 s/)
  })

  test('an error on one rank is told by all with its reason', async () => {
    const other = path('other.json')
    writeFileSync(other, readFileSync(data, 'utf8').replaceAll('red', 'rot'))
    const { code, output, seconds } = await onRanks(2, told('differ'), {
      of: { 1: told('differ-1', { data: other, out: path('differ') }) },
    })
    expect(code).not.toBe(0)
    expect(seconds).toBeLessThan(30)
    expect(output).toMatch(/rank 0 of 2: .*all ranks must train the same run, but .*is .* on rank 0 and .* on rank 1/)
    expect(output).toMatch(/rank 1 of 2: .*all ranks must train the same run/)
  })

  test('data that only one rank lacks', async () => {
    const { code, output, seconds } = await onRanks(2, told('lacks'), {
      of: { 1: told('lacks-1', { data: path('nowhere.json'), out: path('lacks') }) },
    })
    expect(code).not.toBe(0)
    expect(seconds).toBeLessThan(30)
    expect(output).toMatch(/clipwright, rank 1 of 2: .*nowhere\.json/)
    expect(output).toMatch(/clipwright, rank 0 of 2: .*rank 1 of 2 \(.*\) ended: .*nowhere\.json/)
  })

  test('SIGTERM to one rank stops all after the same step, saved', async () => {
    const job = startRanks(2, told('ended'))
    await reach(path('ended'), 15)
    process.kill(ranksOf(job)[1]!, 'SIGTERM')
    const { code, output } = await job.ended
    expect(code, output).toBe(130)
    const steps = logOf(path('ended')).filter(({ type }) => type === 'step')
    expect(logOf(path('ended')).at(-1)).toMatchObject({
      type: 'end',
      result: { steps: steps.length, interrupted: true },
    })
    expect(Object.keys(await digestsOf(path('ended'), WEIGHTS)).length).toBeGreaterThan(5)
  })

  test('started by the launcher of another MPI', async () => {
    const started = { ...mpirun()?.env, PMI_SIZE: '2', PMI_RANK: '1' } // as MPICH's and Intel's set them
    const set = Object.entries(started).map(([key, value]) => `${key}=${value}`)
    const { code, stderr } = await new Program('env', [...set, process.execPath, MAIN, ...told('other-mpi')]).ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/started as rank 1 of 2, but Open MPI, .* counts 1: the launcher belongs to another MPI/)
  })

  test('process.exit() on one rank that waits for another to come', async () => {
    const options = JSON.stringify({ data, out: path('early'), model: LIGHT })
    const of = { 1: ['late', options] }
    const { code, output, seconds } = await onRanks(2, ['exit', options], { program: ENDING_RANK, of })
    expect(code, output).toBe(7)
    expect(seconds).toBeLessThan(40)
  })

  test('more ranks than pairs in a batch', async () => {
    const { code, output } = await onRanks(3, told('few', { batchSize: 2 }))
    expect(code).not.toBe(0)
    expect(output).toMatch(/a batch of 2 pairs cannot be shared by 3 ranks/)
  })
})
