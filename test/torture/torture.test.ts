/** A run that is struck anywhere goes on to the same bits: killed between any two calls, or refused by the disk. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'
import { type Fault, goOn, NAMES, outcomeOf, remainsOf, trainLimited, trainStruck, WRITES } from './torture.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const KILLS = full ? 100 : 4
const HALVES = full ? 40 : 1
const REFUSALS = full ? 60 : 2

/** Of a trial, which starts three processes at most, on a machine that does other things besides. */
const TIMEOUT = { timeout: full ? 1_800_000 : 400_000 }

const folder = temporaryFolder()
const whole = join(folder, 'whole')
let options: Parameters<typeof goOn>[0]
let expected: Awaited<ReturnType<typeof remainsOf>>
const calls = { names: 0, writes: 0 }

/** Two steps in each of two epochs, all of which make a checkpoint, the best, step-N and weights/. */
beforeAll(async () => {
  const data = await captionList(folder, 'train', 16)
  options = { model: LIGHT, data, val: data, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, keep: 1, weightsEvery: 1 }
  for (const [kind, list] of [
    ['names', NAMES],
    ['writes', WRITES],
  ] as const) {
    const out = kind === 'names' ? whole : join(folder, kind)
    const report = join(folder, `${kind}.txt`)
    const fault: Fault = { calls: list, under: out, at: 0, effect: 'kill', report }
    expect(outcomeOf(await trainStruck({ ...options, out }, fault)).code).toBe('done')
    calls[kind] = Number(readFileSync(report, 'utf8'))
  }
  expected = await remainsOf(whole)
  console.log(`a run makes ${calls.names} calls that change names, and ${calls.writes} that write`)
}, TIMEOUT.timeout)

/** Trials are tests of their own: one that fails stops no other, and `-t 'trial 17 of 100'` repeats it. */
const trials = (count: number) => Array.from({ length: count }, (_, i) => [i + 1, count] as const)

/** Places from the first call to the last, all over the run; shifted, so that kinds do not strike the same ones. */
const placeOf = (trial: number, count: number, among: number, shift: number) =>
  1 + Math.min(among - 1, Math.floor(((trial - 1 + shift) * among) / count))

describe('a run that is struck goes on to the same bits, and leaves nothing else behind', () => {
  test.each(trials(KILLS))(
    'killed before a call that changes a name: trial %i of %i',
    TIMEOUT,
    async (trial, count) => {
      const at = placeOf(trial, count, calls.names, 0.5)
      const out = join(folder, `kill-${trial}`)
      const ended = await trainStruck({ ...options, out }, { calls: NAMES, under: out, at, effect: 'kill' })
      // A run may make a few calls less than another, so that the last places may lie behind its end.
      const isOver = at > calls.names - 10 && ended.code === 0
      if (!isOver) expect([at, ended.signal]).toEqual([at, 'SIGKILL'])
      expect([at, await goOn({ ...options, out })]).toMatchObject([at, { code: 'done' }])
      expect([at, await remainsOf(out)]).toEqual([at, expected])
    },
  )

  test.each(trials(HALVES))(
    'killed in the middle of a write or a removal: trial %i of %i',
    TIMEOUT,
    async (trial, count) => {
      const at = placeOf(trial, count, calls.writes, 0.3)
      const out = join(folder, `half-${trial}`)
      const fault: Fault = { calls: ['write', 'rm'], under: out, at, effect: 'half' }
      await trainStruck({ ...options, out }, fault)
      expect([at, await goOn({ ...options, out })]).toMatchObject([at, { code: 'done' }])
      expect([at, await remainsOf(out)]).toEqual([at, expected])
    },
  )

  const effects = ['EIO', 'ENOSPC', 'short', 'EINTR'] as const
  test.each(trials(REFUSALS))(
    'refused by the disk once, or given less: trial %i of %i',
    TIMEOUT,
    async (trial, count) => {
      const at = placeOf(trial, count, calls.names + calls.writes, 0.7)
      const effect = effects[(trial - 1) % 4]!
      const out = join(folder, `${effect}-${trial}`)
      const struck = effect === 'short' || effect === 'EINTR' ? ['write'] : [...NAMES, ...WRITES]
      const fault: Fault = { calls: struck, under: out, at, effect }
      const { code, message, warnings } = outcomeOf(await trainStruck({ ...options, out }, fault))
      if (code !== 'done') {
        expect([at, effect, code, message]).toEqual([at, effect, 'ERR_IO', expect.stringContaining(out)])
        expect([at, await goOn({ ...options, out })]).toMatchObject([at, { code: 'done' }])
      }
      // Plots must not fail a run: whoever wants them is warned.
      const isDrawn = !warnings.some((warning) => warning.startsWith('plot: '))
      const names = isDrawn ? expected.names : expect.anything()
      expect([at, effect, await remainsOf(out)]).toEqual([at, effect, { ...expected, names }])
    },
  )

  // Of `last` there is the new one then, and of the others the old ones, or none.
  const others = [
    ['best', 'checkpoints/.best.'],
    ['step-4', 'checkpoints/.step-4.'],
    ['weights of the best epoch', 'weights/.best_epoch_weights.'],
    ['weights of an epoch', 'weights/.ep002'],
  ] as const
  test.each(full ? others : others.slice(0, 1))(
    'between `last` and what else it is to be: %s',
    { timeout: 600_000 },
    async (name, under) => {
      await Promise.all(
        (['kill', 'EIO'] as const).map(async (effect) => {
          const out = join(folder, `${name} ${effect}`)
          const fault: Fault = { calls: ['mkdir'], under: join(out, under), at: 1, effect }
          const ended = await trainStruck({ ...options, out }, fault)
          expect(effect === 'kill' ? ended.signal : outcomeOf(ended).code).toBe(
            effect === 'kill' ? 'SIGKILL' : 'ERR_IO',
          )
          expect(await goOn({ ...options, out })).toMatchObject({ code: 'done' })
          expect(await remainsOf(out)).toEqual(expected)
        }),
      )
    },
  )

  test('when the disk takes no line of the log for a while', async () => {
    const out = join(folder, 'log')
    const fault: Fault = { calls: ['write', 'sync'], under: join(out, 'log.jsonl'), at: 1, effect: 'ENOSPC', times: 5 }
    const { code, warnings } = outcomeOf(await trainStruck({ ...options, out }, fault))
    expect(code).toBe('done')
    expect(warnings.filter((warning) => warning.startsWith('not_written: '))[0]).toContain(
      'log.jsonl could not be written',
    )
    expect(await remainsOf(out)).toEqual(expected)
  })
})

describe('a shortage leaves out no picture', () => {
  test('of descriptors for a moment: the run has the same bits', async () => {
    const out = join(folder, 'moment')
    const fault: Fault = { calls: ['open'], under: join(folder, 'train/'), at: 5, effect: 'EMFILE', times: 3 }
    expect(outcomeOf(await trainStruck({ ...options, out }, fault))).toEqual({ code: 'done', warnings: [] })
    expect(await remainsOf(out)).toEqual(expected)
  })

  const failing = async () => {
    const out = join(folder, 'lasting')
    const fault: Fault = { calls: ['open'], under: join(folder, 'train/'), at: 20, effect: 'EMFILE', times: 1e9 }
    expect(outcomeOf(await trainStruck({ ...options, out }, fault))).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/^reading .*png failed because too many files are open .*ulimit -n/),
      warnings: [],
    })
    expect(readFileSync(join(out, 'bad-samples.jsonl'), 'utf8')).toBe('')
    expect(await goOn({ ...options, out })).toMatchObject({ code: 'done' })
    expect(await remainsOf(out)).toEqual(expected)
  }
  // It waits for a while before it fails.
  if (full) test('of descriptors that lasts: it fails, and says what to do', failing)

  test.each(full ? [28, 36, 48] : [36])('by a limit of %i descriptors', async (limit) => {
    const out = join(folder, `limit-${limit}`)
    const program = await trainLimited({ ...options, out }, limit)
    if (program.stdout !== '') {
      const { code, warnings } = outcomeOf(program)
      expect(['done', 'ERR_IO']).toContain(code)
      expect(warnings.filter((warning) => warning.startsWith('bad_sample'))).toEqual([])
    }
    expect(await goOn({ ...options, out })).toMatchObject({ code: 'done' })
    expect(await remainsOf(out)).toEqual(expected)
  })
})

test('two processes that start into one folder: one trains, and the other is told who does', async () => {
  const out = join(folder, 'two')
  const outcomes = await Promise.all([0, 1].map(() => trainStruck({ ...options, out })))
  const [done, refused] = outcomes.map(outcomeOf).sort((a, b) => (a.code === 'done' ? -1 : b.code === 'done' ? 1 : 0))
  expect(done).toMatchObject({ code: 'done' })
  expect(refused).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  expect(refused?.message).toMatch(/process \d+ on .* is training in|there is a run in/)
  expect(await remainsOf(out)).toEqual(expected)
})
