/** Where the device works beside the host, a step is queued before the results of the last are in: nothing may change by it. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { sessionOf } from '../../lib/clip/session.js'
import { train } from '../../lib/train/run.js'
import { readState } from '../../lib/train/state.js'
import { useBackend } from '../clip/emulated-cuda.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, MODEL, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 3 steps an epoch, 6 in all. */
const options = { model: MODEL, batchSize: 4, epochs: 2, lr: 1e-3, saveEvery: 2, keep: 9 } as const

beforeEach(() => useBackend('cuda'))
afterEach(() => {
  vi.unstubAllEnvs()
})

test('events, checkpoints and what is resumed are those of one step after the other', async () => {
  const lists = { data: await captionList(folder, 'train', 14), val: await captionList(folder, 'val', 6) }
  await using clip = await Clip.create(MODEL)
  expect(sessionOf(clip, 'test').concurrent).toBe(true)

  const whole = await eventsOf(train({ ...options, ...lists, out: path('whole') }))
  const order = whole.flatMap((event) =>
    'step' in event && event.type !== 'start' ? `${event.type} ${event.step}` : [],
  )
  expect(order.filter((event) => event.startsWith('step'))).toEqual([1, 2, 3, 4, 5, 6].map((step) => `step ${step}`))
  for (const step of [2, 4, 6]) {
    // Copied before the next step was begun, and so with the weights of this one.
    expect(order.indexOf(`checkpoint ${step}`)).toBeGreaterThan(order.indexOf(`step ${step}`))
    const { state, optimizer } = await readState(join(path('whole'), 'checkpoints', `step-${step}`))
    expect([state.step, optimizer.steps]).toEqual([step, step])
  }

  const run = train({ ...options, ...lists, out: path('stopped') })
  for await (const event of run) if (event.type === 'step' && event.step === 3) break
  expect(await run.stop()).toMatchObject({ interrupted: true })
  const rest = await eventsOf(train({ resume: path('stopped') }))
  const first = stepsOf(rest)[0]!.step
  expect(stepsOf(rest)).toEqual(stepsOf(whole).filter(({ step }) => step >= first))
  for (const file of [WEIGHTS, STATE])
    expect(await digestsOf(path('stopped'), file)).toEqual(await digestsOf(path('whole'), file))
})
