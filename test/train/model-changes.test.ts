/** A model with other pictures, captions and patches than its name or checkpoint says. */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps an epoch, 8 in all. */
const options = { batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, augment: false } as const
let data: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
  await using clip = await Clip.create(LIGHT, { device: 'cpu', threads: 1 })
  await clip.save(path('small'))
})

describe('a run over larger pictures and longer captions than its checkpoint', () => {
  test('interpolates positions and keeps the sizes', async () => {
    const out = path('larger')
    await train({ ...options, load: path('small'), imageSize: 48, contextLength: 20, data, out }).result
    await using clip = await Clip.load(join(out, 'checkpoints/last'), { device: 'cpu', threads: 1 })
    expect(clip.config.vision_cfg.image_size).toBe(48)
    expect(clip.config.text_cfg.context_length).toBe(20)
    expect(clip.preprocess.size).toBe(48)
    const shapes = Object.fromEntries(clip.parameters().map(({ name, shape }) => [name, shape]))
    expect(shapes['visual.positional_embedding']).toEqual([10, 16])
    expect(shapes.positional_embedding).toEqual([20, 8])
    await expect(train({ resume: out, imageSize: 32 }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('imageSize (was 48)'),
    })
  })

  test.each([
    ['option "imageSize"', { imageSize: 0 }],
    ['patch_size 16 must divide image_size 40', { imageSize: 40 }],
    ['option "patchDropout"', { patchDropout: 1 }],
  ])('is refused: %s', async (message, wrong) => {
    const run = train({ ...options, ...wrong, load: path('small'), data, out: path('refused') })
    await expect(run.result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })
})

describe('patch dropout', () => {
  const lossesOf = (out: string) => stepsOf(logOf(out)).map(({ loss }) => loss)

  test('goes on to the same bits when a run is resumed, in micro-batches to the same losses, and without it to others', async () => {
    const given = { ...options, load: path('small'), patchDropout: 0.5, data }
    await train({ ...given, out: path('whole') }).result
    const stopped = train({ ...given, out: path('stopped') })
    for await (const event of stopped) if (event.type === 'step' && event.step === 3) break
    await stopped.stop()
    await train({ resume: path('stopped') }).result
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path('stopped'), file)).toEqual(await digestsOf(path('whole'), file))

    await eventsOf(train({ ...given, microBatch: 3, out: path('micro') }))
    for (const [i, loss] of lossesOf(path('micro')).entries()) {
      expect(Math.abs(loss - lossesOf(path('whole'))[i]!)).toBeLessThan(1e-4)
    }
    await train({ ...given, patchDropout: 0, out: path('all') }).result
    expect(lossesOf(path('all'))[0]).not.toBeCloseTo(lossesOf(path('whole'))[0]!, 5)
  })

  test('is kept with the weights, as open_clip has it, and encoding does not know it', async () => {
    await using dropping = await Clip.load(path('small'), { device: 'cpu', threads: 1, patchDropout: 0.5 })
    await using clip = await Clip.load(path('small'), { device: 'cpu', threads: 1 })
    expect(dropping.config.vision_cfg.patch_dropout).toBe(0.5)
    const pixels = { shape: [1, 32, 32, 3], data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => i % 251) }
    const features = async (of: Clip) => (await of.encodeImages(pixels as never)).data
    expect(await features(dropping)).toEqual(await features(clip))
  })
})
