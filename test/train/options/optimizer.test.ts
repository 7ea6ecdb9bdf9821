import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { OPTIMIZERS } from '../../../lib/optim/defaults.js'
import { parseTrainOptions } from '../../../lib/train/options/parse.js'
import { train } from '../../../lib/train/run.js'
import { captionList, temporaryFolder } from '../pictures.js'
import { digestsOf, logOf, MODEL, STATE, stepsOf, WEIGHTS } from '../runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const small = { model: MODEL, batchSize: 8, epochs: 2, threads: 1 } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 16)
})

const config = (out: string) => JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))

describe.each(OPTIMIZERS)('optimizer %s', (optimizer) => {
  test('trains, and goes on to the same bits', async () => {
    const momentum = optimizer === 'sgd' ? { momentum: 0.9, lr: 0.1 } : {}
    const options = { ...small, data, optimizer, lr: 1e-3, ...momentum }
    const [whole, parts] = [path(`${optimizer}-whole`), path(`${optimizer}-parts`)]
    await train({ ...options, out: whole }).result
    const run = train({ ...options, out: parts })
    for await (const event of run) if (event.type === 'step' && event.step === 3) break
    await run.stop()
    await train({ resume: parts }).result
    expect(stepsOf(logOf(parts))).toEqual(stepsOf(logOf(whole)))
    for (const file of [WEIGHTS, STATE]) expect(await digestsOf(parts, file)).toEqual(await digestsOf(whole, file))
    expect(config(whole).optimizer).toBe(optimizer)
    await expect(train({ resume: parts, optimizer: optimizer === 'adam' ? 'adamw' : 'adam' }).result).rejects.toThrow(
      `a resumed run cannot change optimizer (was "${optimizer}")`,
    )
  })
})

test('defaults are those of the optimizer, and config.json has them', async () => {
  const settings = (o: object) => parseTrainOptions({ data: 'x', model: MODEL, ...o })
  expect(settings({})).toMatchObject({ betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0.2 })
  expect(settings({ optimizer: 'lion' })).toMatchObject({ betas: [0.9, 0.99], weightDecay: 0 })
  expect(settings({ optimizer: 'sgd', weightDecay: 0.1 })).toMatchObject({ momentum: 0, weightDecay: 0.1 })
  expect(config(path('lamb-whole'))).toMatchObject({ betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0.01, warmup: 0 })
})

test('schedules by epoch hold a rate for a whole epoch, fitted to the batch', async () => {
  const out = path('by-epoch')
  await train({ ...small, epochs: 3, data, out, lr: 8e-4, fitLr: true, schedule: 'epoch-cosine' }).result
  // 8e-4 · 8 / 64 is 1e-4; a tenth of it, itself, a hundredth.
  const rates = stepsOf(logOf(out)).map(({ lr }) => lr)
  const expected = [1e-5, 1e-5, 1e-4, 1e-4, 1e-6, 1e-6]
  expect(rates).toHaveLength(6)
  for (const [i, lr] of rates.entries()) expect(lr).toBeCloseTo(expected[i]!, 15)
})

test('the sum of both cross-entropies is twice their mean', async () => {
  const loss = async (reduction: 'mean' | 'sum') => {
    const out = path(reduction)
    await train({ ...small, epochs: 1, data, out, reduction }).result
    return stepsOf(logOf(out))[0]!.loss
  }
  expect((await loss('sum')) / (await loss('mean'))).toBeCloseTo(2, 6)
})

test.each([
  [{ optimizer: 'lion', eps: 1e-8 }, 'option "eps": optimizer lion has none'],
  [{ momentum: 0.9 }, 'option "momentum": optimizer adamw has none'],
  [{ optimizer: 'sgd', betas: [0.9, 0.99] }, 'option "betas": optimizer sgd has none'],
  [{ schedule: 'epoch-step', warmup: 3 }, 'option "warmup": schedule epoch-step has a warm-up of its own'],
  [{ cooldown: 3 }, 'option "cooldown": belongs to schedule const-cooldown, and the schedule is cosine'],
  [{ optimizer: 'adamax' }, 'option "optimizer"'],
])('refuses %j', (options, message) => {
  expect(() => parseTrainOptions({ data: 'x', model: MODEL, ...options })).toThrow(message)
})

test('a list shorter than one batch is an error, the validation list, too', async () => {
  const val = await captionList(folder, 'val', 7)
  const error = (what: string, list: string) => ({
    code: 'ERR_DATA',
    message: expect.stringContaining(`the ${what} list ${list} holds`),
  })
  await expect(train({ ...small, data, val, out: path('a') }).result).rejects.toMatchObject(error('validation', val))
  await expect(train({ ...small, data: val, out: path('b') }).result).rejects.toMatchObject(error('training', val))
})
