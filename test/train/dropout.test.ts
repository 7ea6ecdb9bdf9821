/** Dropout of a BERT-like text tower in training. */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { configuration } from '../../lib/cli/configuration.js'
import { Clip } from '../../lib/clip/clip.js'
import { InfoNCE } from '../../lib/index.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { train } from '../../lib/train/run.js'
import { images, TINY_CHINESE } from '../clip/tiny.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const model: ModelConfig = {
  ...TINY_CHINESE,
  vision_cfg: LIGHT.vision_cfg,
}
/** 4 steps an epoch, 8 in all. */
const options = { model, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, augment: false, device: 'cpu' } as const
const lossesOf = (out: string) => stepsOf(logOf(path(out))).map(({ loss }) => loss)
let data: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
})

describe('a run with dropout', () => {
  test('goes on to the same bits when it is resumed, in micro-batches and recomputed to the same losses', async () => {
    const given = { ...options, data }
    await train({ ...given, out: path('whole') }).result
    const stopped = train({ ...given, out: path('stopped') })
    for await (const event of stopped) if (event.type === 'step' && event.step === 3) break
    await stopped.stop()
    await train({ resume: path('stopped') }).result
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path('stopped'), file)).toEqual(await digestsOf(path('whole'), file))

    await train({ ...given, checkpointing: true, out: path('recomputed') }).result
    expect(lossesOf('recomputed')).toEqual(lossesOf('whole'))
    await train({ ...given, microBatch: 3, out: path('micro') }).result
    for (const [i, loss] of lossesOf('micro').entries()) {
      expect(Math.abs(loss - lossesOf('whole')[i]!)).toBeLessThan(1e-4)
    }
    await train({ ...given, dropout: 0, out: path('none') }).result
    expect(lossesOf('none')[0]).not.toBeCloseTo(lossesOf('whole')[0]!, 5)
    await train({ ...given, seed: 1, dropout: 0.1, out: path('seeded') }).result
    expect(lossesOf('seeded')[0]).not.toBeCloseTo(lossesOf('whole')[0]!, 5)
  })

  test('keeps its rate', async () => {
    const out = path('kept')
    await train({ ...options, data, epochs: 1, dropout: 0.3, out }).result
    await using clip = await Clip.load(join(out, 'checkpoints/last'), { device: 'cpu', threads: 1 })
    expect(clip.config.text_cfg.hf_config).toMatchObject({
      hidden_dropout_prob: 0.3,
      attention_probs_dropout_prob: 0.3,
    })
    await expect(train({ resume: out, dropout: 0.2 }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('dropout (was 0.3)'),
    })
  })

  test('says its rate at the start where it is not zero', async () => {
    const tableOf = async (given: object, out: string) => {
      const events = await eventsOf(train({ ...options, ...given, data, epochs: 1, out: path(out) }))
      const start = events.find((event) => event.type === 'start') as Parameters<typeof configuration>[0]
      return configuration(start, false, 80)
    }
    expect(await tableOf({}, 'says')).toMatch(/dropout +0\.1\b/)
    expect(await tableOf({ dropout: 0.2 }, 'told')).toMatch(/dropout +0\.2\b/)
    expect(await tableOf({ model: LIGHT }, 'silent')).not.toContain('dropout')
  })

  test.each([
    ['this model has no dropout', { model: LIGHT, dropout: 0.1 }],
    ['option "dropout"', { dropout: 1 }],
  ])('is refused: %s', async (message, wrong) => {
    await expect(train({ ...options, ...wrong, data, out: path('refused') }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })

  test('of 0 is what a model without dropout can be told', async () => {
    const run = train({ ...options, model: LIGHT, dropout: 0, data, epochs: 1, out: path('zero') })
    expect((await run.result).steps).toBe(4)
  })
})

describe('forwardBackward', () => {
  test('leaves out what a step and a seed say, and nothing when it is told none', async () => {
    await using clip = await Clip.create(TINY_CHINESE, { device: 'cpu', threads: 1 })
    const batch = { images: images(4), tokens: ['红色', '绿色的圆', '蓝色', '黄色的方块'] }
    const loss = async (dropout?: { seed: number; step: number }) =>
      (await clip.forwardBackward(batch, new InfoNCE(), dropout && { dropout })).loss
    const plain = await loss()
    const one = await loss({ seed: 1, step: 1 })
    expect(await loss({ seed: 1, step: 1 })).toBe(one)
    expect(await loss()).toBe(plain)
    const others = [plain, await loss({ seed: 1, step: 2 }), await loss({ seed: 2, step: 1 })]
    for (const other of others) expect(other).not.toBe(one)
  })
})
