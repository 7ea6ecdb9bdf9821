import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { modelConfig } from '../../lib/models/registry.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { logOf, MODEL, stepsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const options = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, loss: 'siglip' } as const
let data: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
})

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

test('a new model begins with a scale of 10 and a bias of -10, as open_clip has it, and learns both', async () => {
  const out = path('new')
  await train({ ...options, data, out }).result
  const steps = stepsOf(logOf(out))
  expect(steps[0]!.logitScale).toBeCloseTo(10, 4)
  expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss - 0.01)
  await using clip = await Clip.load(join(out, 'checkpoints/last'), { device: 'cpu' })
  expect(clip.config).toMatchObject({ init_logit_bias: -10, init_logit_scale: Math.log(10) })
  const { data: bias } = await clip
    .parameters()
    .find(({ name }) => name === 'logit_bias')!
    .read()
  expect(bias[0]).not.toBe(-10)
  expect(bias[0]).toBeCloseTo(-10, 0)
})

test("a configuration's own numbers stay", async () => {
  const out = path('own')
  const model = { ...modelConfig(MODEL), init_logit_scale: Math.log(5), init_logit_bias: -3 }
  await train({ ...options, model, data, out }).result
  expect(stepsOf(logOf(out))[0]!.logitScale).toBeCloseTo(5, 4)
})

test('weights without a bias are refused, with the way to add one', async () => {
  await using clip = await Clip.create(MODEL, { device: 'cpu', threads: 1 })
  await clip.save(path('plain'))
  const { model, ...rest } = options
  const run = train({ ...rest, load: path('plain'), data, out: path('refused') })
  await expect(run.result).rejects.toEqual(
    refusal('ERR_MISMATCH', /no logit_bias.*"init_logit_bias": -10.*strict: false/),
  )
  const config = { ...modelConfig(model), init_logit_bias: -10 }
  await train({ ...rest, load: path('plain'), model: config, strict: false, data, out: path('added') }).result
  expect(stepsOf(logOf(path('added'))).length).toBeGreaterThan(0)
})

test('reduction is not for it', async () => {
  const refused = refusal('ERR_INVALID_ARGUMENT', /reduction.*belongs to loss infonce/)
  await expect(train({ ...options, reduction: 'sum', data, out: path('sum') }).result).rejects.toEqual(refused)
})
