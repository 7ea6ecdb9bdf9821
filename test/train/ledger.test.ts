import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Ledger, lossesOf } from '../../lib/train/ledger.js'
import { summarize } from '../../lib/train/ledger-summary.js'
import { readLedger } from '../../lib/train/read-ledger.js'
import { train } from '../../lib/train/run.js'
import { answerOf, clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, logOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const floats = (...values: number[]) => Float32Array.from(values)
const samples = (...numbers: number[]) => Int32Array.from(numbers)

describe('a ledger', () => {
  test('counts, keeps the last and the mean, and leaves out what is not finite', async () => {
    const ledger = Ledger.of(5, 4)
    ledger.note(samples(3, 1), 7, floats(2, 1), floats(4, 1))
    ledger.note(samples(3, 0), 9, floats(4, Number.NaN), floats(1, 1))
    const at = mkdtempSync(join(folder, 'ledger-'))
    await ledger.write(at)
    const { rows, ...rest } = (await Ledger.read(at))!.recorded
    expect(rest).toEqual({ stride: 1, size: 5, batchSize: 4 })
    expect(rows.seen).toEqual(samples(0, 1, 0, 2, 0))
    expect(rows.last_step).toEqual(samples(0, 7, 0, 9, 0))
    expect(rows.image_mean).toEqual(floats(0, 1, 0, 3, 0))
    expect(rows.text_mean).toEqual(floats(0, 1, 0, 2.5, 0))
    expect(rows.image_last).toEqual(floats(0, 1, 0, 4, 0))
    expect(rows.text_last).toEqual(floats(0, 1, 0, 1, 0))
  })

  test('of larger data keeps every so many one', async () => {
    const ledger = Ledger.of(10, 4, 4)
    ledger.note(samples(0, 1, 3, 9), 1, floats(1, 2, 3, 4), floats(1, 2, 3, 4))
    const { rows, stride } = ledger.recorded
    expect(stride).toBe(3)
    expect(rows.image_last).toEqual(floats(1, 3, 0, 4))
    expect(summarize(ledger.recorded, 10).neverSeen).toEqual([6])
  })

  test('as it was taken does not change with what follows', () => {
    const ledger = Ledger.of(2, 2)
    const taken = ledger.taken()
    ledger.note(samples(1), 1, floats(1), floats(1))
    expect(taken.recorded.rows.seen).toEqual(samples(0, 0))
  })
})

test('losses are what is left of the log-sum-exps without the own logit', () => {
  expect(lossesOf(floats(5, 6, 7, 8, 1, 2))).toEqual({ image: floats(4, 4), text: floats(6, 6) })
})

test('a summary has the hardest first, and as suspects those of both sides above guessing, seen twice', () => {
  const ledger = Ledger.of(5, 4) // guessing: 1.386
  for (const step of [1, 2]) ledger.note(samples(0, 1, 2), step, floats(3, 9, 0.1), floats(2, 0.5, 0.1))
  ledger.note(samples(3), 3, floats(8), floats(8)) // once alone
  const found = summarize(ledger.recorded, 2)
  expect(found).toMatchObject({ samples: 5, seen: 4, never: 1, neverSeen: [4], suspectCount: 1 })
  expect(found.hardest.map(({ sample }) => sample)).toEqual([3, 1])
  expect(found.suspects).toEqual([{ sample: 0, seen: 2, lastStep: 2, imageLoss: 3, textLoss: 2 }])
  expect(found.histogram.counts.reduce((a, b) => a + b)).toBe(4)
})

describe('a run with a ledger', () => {
  test.each(['infonce', 'siglip'] as const)(
    'has the weights of one without, and its losses add up; interrupted, it has the same: %s',
    async (loss) => {
      const data = await captionList(folder, loss, 34)
      const options = { model: LIGHT, data, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, loss } as const
      const [plain, kept, again] = ['plain', 'kept', 'again'].map((name) => join(folder, `${loss} ${name}`)) as [
        string,
        string,
        string,
      ]
      await train({ ...options, out: plain }).result
      await train({ ...options, out: kept, ledger: true }).result
      expect(await digestsOf(kept, WEIGHTS)).toEqual(await digestsOf(plain, WEIGHTS))
      const { rows } = (await Ledger.read(join(kept, 'checkpoints/last')))!.recorded
      expect(rows.seen.reduce((a, b) => a + b)).toBe(64)
      if (loss === 'infonce') {
        const last = logOf(kept).findLast((event) => event.type === 'step')!
        const of = [...rows.last_step.keys()].filter((at) => rows.last_step[at] === 8)
        expect(of).toHaveLength(8)
        const mean = of.reduce((sum, at) => sum + (rows.image_last[at]! + rows.text_last[at]!) / 2, 0) / 8
        expect(mean).toBeCloseTo(last.loss, 4)
      }
      const run = train({ ...options, out: again, ledger: true })
      for await (const event of run) if (event.type === 'step' && event.step === 3) break
      await run.stop()
      await train({ resume: again }).result
      expect(await digestsOf(again, 'ledger.safetensors')).toEqual(await digestsOf(kept, 'ledger.safetensors'))
    },
  )

  test('is told by the command line, with pictures and captions, and drawn', async () => {
    const out = join(folder, 'infonce kept')
    const told = await answerOf<Awaited<ReturnType<typeof readLedger>>>(
      clipwright(['ledger', out, '--plot', '--json', '--top-k', '3']),
    )
    expect(told).toEqual(await readLedger(out, { topK: 3 }))
    expect(told.hardest).toHaveLength(3)
    expect(told.hardest[0]).toMatchObject({
      image: expect.stringMatching(/png$/),
      caption: expect.stringMatching(/^a /),
    })
    expect(statSync(join(out, 'ledger.png')).size).toBeGreaterThan(5000)
    await expect(readLedger(join(folder, 'infonce plain'))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('has no ledger; train with ledger: true'),
    })
    expect(existsSync(join(folder, 'infonce plain/checkpoints/last/ledger.safetensors'))).toBe(false)
  })
})
