import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type TrainRun, train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, logOf, MODEL, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps an epoch, 8 in all. */
const options = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, keep: 1 } as const
let lists: { data: string; val: string }

beforeAll(async () => {
  lists = { data: await captionList(folder, 'train', 36), val: await captionList(folder, 'val', 12) }
  await train({ ...options, ...lists, out: path('whole') }).result
})

async function stopAt(run: TrainRun, type: string, step: number): Promise<boolean> {
  for await (const event of run) if (event.type === type && 'step' in event && event.step === step) break
  return (await run.stop()).interrupted
}

async function expectWhole(out: string): Promise<void> {
  expect(stepsOf(logOf(out))).toEqual(stepsOf(logOf(path('whole'))))
  const evals = (run: string) => logOf(run).filter(({ type }) => type === 'eval')
  expect(evals(out)).toEqual(evals(path('whole')))
  for (const file of [WEIGHTS, STATE])
    for (const checkpoint of ['last', 'best'])
      expect(await digestsOf(out, file, checkpoint)).toEqual(await digestsOf(path('whole'), file, checkpoint))
}

describe('a run that was stopped', () => {
  test.each([
    ['before its first step', 'start', 0],
    ['in mid-epoch', 'step', 2],
    ['after the last step of an epoch', 'step', 4],
    ['while it is evaluated', 'epoch', 0],
  ])('goes on to the same bits: %s', async (where, type, step) => {
    const out = path(where)
    const run = train({ ...options, ...lists, out })
    if (type === 'epoch') {
      for await (const event of run) if (event.type === 'epoch') break
      expect(await run.stop()).toMatchObject({ steps: 4, interrupted: true })
      expect(logOf(out).filter((event) => event.type === 'eval')).toEqual([])
    } else {
      expect(await stopAt(run, type, step)).toBe(true)
    }
    expect(await train({ resume: out }).result).toMatchObject({ steps: 8, interrupted: false })
    await expectWhole(out)
  })

  test.each([
    [1, 4],
    [1, 6],
  ])('cannot end with epoch %i when it stands after step %i of 8', async (epochs, step) => {
    const out = path(`short-${step}`)
    await stopAt(train({ ...options, ...lists, out }), 'step', step)
    if (step === 4) {
      // Just done with it: nothing is left to do.
      expect(await train({ resume: out, epochs }).result).toMatchObject({ steps: 4, epochs: 1, interrupted: false })
      return
    }
    await expect(train({ resume: out, epochs }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('option "epochs": the run is in its epoch 2 already'),
    })
    // config.json is what it was.
    expect(await train({ resume: out }).result).toMatchObject({ steps: 8, epochs: 2 })
  })

  test('by its signal rejects with the reason, and goes on all the same', async () => {
    const out = path('aborted')
    const controller = new AbortController()
    const run = train({ ...options, ...lists, out, signal: controller.signal })
    const reason = new Error('enough')
    const reading = (async () => {
      for await (const event of run) if (event.type === 'step' && event.step === 3) controller.abort(reason)
    })()
    await expect(run.result).rejects.toBe(reason)
    await expect(reading).rejects.toBe(reason)
    await train({ resume: out }).result
    await expectWhole(out)
  })
})
