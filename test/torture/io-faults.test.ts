/**
 * The system itself fails a run's calls, below Node.js: whichever is refused, cut short, interrupted or late, the run goes on or
 * ends with a sentence, what was saved stays whole, and whoever resumes comes to the same bits.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'
import { type IoCall, IoFaults, type IoKind } from './io-faults.js'
import { goOn, outcomeOf, remainsOf } from './torture.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const TIMEOUT = { timeout: full ? 1_800_000 : 400_000 }
const folder = temporaryFolder()
const OWN: readonly IoCall[] = ['write', 'sync', 'open', 'rename', 'names']
const READ: readonly IoCall[] = ['open', 'read']

let faults: IoFaults
let options: Parameters<typeof goOn>[0]
let expected: Awaited<ReturnType<typeof remainsOf>>
/** Calls of a run by what they are for. */
const calls = { own: 0, pictures: 0, resume: 0 }

async function counted(under: string, list: readonly IoCall[], given: Parameters<typeof goOn>[0]): Promise<number> {
  const ended = await faults.train(given, { under, calls: list, at: 0, kind: 'EIO' })
  expect(outcomeOf(ended)).toMatchObject({ code: 'done', warnings: [] })
  // Were they made in another way than by these calls, nothing here would be tested.
  expect(ended.counted).toBeGreaterThan(20)
  return ended.counted
}

/** Two steps in each of two epochs, all of which make a checkpoint, the best, step-N and weights/. */
beforeAll(async () => {
  faults = new IoFaults(folder)
  const data = await captionList(folder, 'train', 16)
  options = { model: LIGHT, data, val: data, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, keep: 1, weightsEvery: 1 }
  const [whole, pictures, stopped] = ['whole', 'pictures', 'stopped'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  calls.own = await counted(whole, OWN, { ...options, out: whole })
  calls.pictures = await counted(join(folder, 'train'), READ, { ...options, out: pictures })
  expected = await remainsOf(whole)
  await half(stopped)
  calls.resume = await counted(stopped, READ, { resume: stopped })
  console.log(`calls of a run: ${JSON.stringify(calls)}`)
}, TIMEOUT.timeout)

/** A run that was killed when most of what it writes was written: of two checkpoints the first is there. */
async function half(out: string): Promise<void> {
  const at = Math.floor(calls.own * 0.75)
  const { signal } = await faults.train({ ...options, out }, { under: out, calls: OWN, at, kind: 'kill' })
  expect(signal).toBe('SIGKILL')
}

const trials = (kinds: readonly IoKind[], each: number) =>
  kinds.flatMap((kind, k) =>
    Array.from({ length: each }, (_, i) => [kind, (i + (k + 0.5) / kinds.length) / each] as const),
  )

/** The number of the call at this share of all. */
const placeOf = (share: number, among: number) => 1 + Math.min(among - 1, Math.floor(share * among))

describe('what a run writes', () => {
  test.each(trials(['ENOSPC', 'EIO', 'EINTR', 'short', 'slow'], full ? 20 : 1))(
    '%s at %f',
    TIMEOUT,
    async (kind, share) => {
      const at = placeOf(share, calls.own)
      const out = join(folder, `${kind}-${at}`)
      const times = kind === 'slow' ? 20 : 1
      const struck: readonly IoCall[] = kind === 'short' ? ['write'] : OWN
      const ended = await faults.train(
        { ...options, out },
        { under: out, calls: struck, at: kind === 'short' ? Math.ceil(at / 4) : at, times, kind },
      )
      if (at < calls.own - 10) expect([kind, at, ended.struck]).not.toEqual([kind, at, 0])
      const { code, message, warnings } = outcomeOf(ended)
      if (code !== 'done') {
        expect([kind, at, code, message]).toEqual([kind, at, 'ERR_IO', expect.stringContaining(out)])
        expect(message).toMatch(/\.$/)
        expect([kind, at, await goOn({ ...options, out })]).toMatchObject([kind, at, { code: 'done' }])
      } else if (kind === 'slow' || kind === 'short') expect([kind, at, warnings]).toEqual([kind, at, []])
      // Plots must not fail a run: whoever wants them is warned.
      const isDrawn = !warnings.some((warning) => warning.startsWith('plot: '))
      const names = isDrawn ? expected.names : expect.anything()
      expect([kind, at, await remainsOf(out)]).toEqual([kind, at, { ...expected, names }])
    },
  )

  test('a disk that stays full', TIMEOUT, async () => {
    const out = join(folder, 'stays-full')
    const at = placeOf(0.6, calls.own)
    const ended = await faults.train(
      { ...options, out },
      { under: out, calls: ['write'], at: Math.ceil(at / 4), times: 1e9, kind: 'ENOSPC' },
    )
    expect(outcomeOf(ended)).toMatchObject({ code: 'ERR_IO', message: expect.stringMatching(/the disk is full.*\.$/) })
    expect(ended.struck).toBeGreaterThan(0)
    expect(await goOn({ ...options, out })).toMatchObject({ code: 'done' })
    expect(await remainsOf(out)).toEqual(expected)
  })
})

describe('what a run reads', () => {
  test.each(trials(['EIO', 'EINTR', 'short', 'slow'], full ? 12 : 1))(
    'pictures, once: %s at %f',
    TIMEOUT,
    async (kind, share) => {
      const at = placeOf(share, calls.pictures)
      const out = join(folder, `pictures-${kind}-${at}`)
      const ended = await faults.train({ ...options, out }, { under: join(folder, 'train'), calls: READ, at, kind })
      expect([kind, at, ended.struck]).toEqual([kind, at, 1])
      // No picture is lost for a fault that passes.
      expect([kind, at, outcomeOf(ended)]).toEqual([kind, at, { code: 'done', warnings: [] }])
      expect([kind, at, await remainsOf(out)]).toEqual([kind, at, expected])
    },
  )

  test('pictures whose disk is gone: the run ends and says what it could not read', TIMEOUT, async () => {
    const out = join(folder, 'gone')
    const at = placeOf(0.4, calls.pictures)
    const ended = await faults.train(
      { ...options, out },
      { under: join(folder, 'train/'), calls: READ, at, times: 1e9, kind: 'EIO' },
    )
    const { code, message } = outcomeOf(ended)
    expect(['ERR_DATA', 'ERR_IO', 'ERR_IMAGE']).toContain(code)
    // The validation list has the same pictures, and is looked at first.
    expect(message).toMatch(/train\/\d+\.png.*(EIO|data check names all)/)
  })

  test.each(trials(['EIO', 'EINTR', 'short'], full ? 12 : 1))(
    'a checkpoint to go on from: %s at %f',
    TIMEOUT,
    async (kind, share) => {
      const at = placeOf(share, calls.resume)
      const out = join(folder, `resume-${kind}-${at}`)
      await half(out)
      const before = readFileSync(join(out, 'checkpoints/last/training.safetensors'))
      const ended = await faults.train({ resume: out }, { under: out, calls: READ, at, kind })
      expect([kind, at, ended.struck]).toEqual([kind, at, 1])
      const { code, message } = outcomeOf(ended)
      if (code !== 'done') {
        expect([kind, at, code, message]).toEqual([kind, at, 'ERR_IO', expect.stringContaining(out)])
        expect(readFileSync(join(out, 'checkpoints/last/training.safetensors'))).toEqual(before)
        expect([kind, at, await goOn({ ...options, out })]).toMatchObject([kind, at, { code: 'done' }])
      }
      expect([kind, at, await remainsOf(out)]).toEqual([kind, at, expected])
    },
  )
})
