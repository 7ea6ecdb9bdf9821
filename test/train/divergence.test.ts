import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { readState } from '../../lib/train/state.js'
import { clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
let data: string
let long: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
  long = await captionList(folder, 'long', 64)
})

/** 4 steps per epoch, 8 with the long list; the rate is the same all along. */
const options = { model: LIGHT, batchSize: 8, threads: 1, schedule: 'const', warmup: 0, lr: 1e-3 } as const

/** A healthy run of one epoch. */
async function healthyRun(name: string, more: TrainOptions = {}): Promise<string> {
  const out = join(folder, name)
  await train({ ...options, data, out, epochs: 1, ...more }).result
  return out
}

async function bitsOf(out: string) {
  const files = [WEIGHTS, STATE].flatMap((file) => ['last', 'best'].map((name) => digestsOf(out, file, name)))
  return Promise.all(files)
}

const skipsOf = (out: string) =>
  logOf(out).filter((event) => event.type === 'warning' && event.code === 'step_skipped').length

describe('a run that diverges fails, and leaves the last good checkpoint as it was', () => {
  test.each<[string, TrainOptions, number]>([
    ['after a few skipped steps in a row', { epochs: 2, data: long }, 5],
    [
      'when it is saved after each step, the first of which leaves weights that are huge and finite',
      { saveEvery: 1 },
      0,
    ],
    ['when its epoch ends before that many were skipped', { epochs: 2 }, 3],
    ['when its validation list would be next', { epochs: 2, evalEvery: 1 }, 3],
  ])('%s', async (name, more, skipped) => {
    const isLong = skipped === 5
    const list = isLong ? { data: long } : more.evalEvery ? { val: data } : {}
    const out = await healthyRun(name.slice(0, 30).trim(), list)
    const before = await bitsOf(out)
    await expect(train({ resume: out, epochs: 4, lr: 1e30, ...more }).result).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(
        /the last good checkpoint is .*checkpoints\/last, of step [48]: resume with a lower learning rate\.$/,
      ),
    })
    expect(skipsOf(out)).toBe(skipped)
    expect(await bitsOf(out)).toEqual(before)
    await using clip = await Clip.load(join(out, 'checkpoints/last'))
    expect((await clip.encodeTexts(['a red circle'])).data.every(Number.isFinite)).toBe(true)
    const again = await train({ resume: out, epochs: 2, lr: 1e-3 }).result
    expect(again).toMatchObject({ steps: isLong ? 16 : 8, loss: expect.closeTo(2, 0) })
  })

  test('when it is stopped by hand', async () => {
    const out = await healthyRun('stopped')
    const before = await bitsOf(out)
    const run = train({ resume: out, epochs: 4, lr: 1e30 })
    for await (const event of run) if (event.type === 'step') break
    await expect(run.stop()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    expect(await bitsOf(out)).toEqual(before)
    expect((await readState(join(out, 'checkpoints/last'))).state.step).toBe(4)
  })

  test('with exit code 1 and one sentence', async () => {
    const out = await healthyRun('command')
    const { code, stdout, stderr } = await clipwright(`train --resume ${out} --epochs 4 --lr 1e30`.split(' ')).ended
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/clipwright: train: .*the last good checkpoint is .*last, of step 4/)
  })

  test('and says so when there is none', async () => {
    const out = join(folder, 'from the start')
    await expect(train({ ...options, lr: 1e30, data, out, epochs: 4 }).result).rejects.toMatchObject({
      message: expect.stringMatching(/no checkpoint was saved before; start again with a lower learning rate\.$/),
    })
  })
})

test('one skipped step is no divergence: a run goes on and is saved', async () => {
  // fp16's first steps are skipped until the loss scale fits.
  const out = join(folder, 'fp16')
  const events = await eventsOf(train({ ...options, data, out, epochs: 3, precision: 'fp16', saveEvery: 1 }))
  expect(events.at(-1)).toMatchObject({ type: 'end', result: { steps: 12 } })
  expect((await readState(join(out, 'checkpoints/last'))).state.step).toBe(12)
})
