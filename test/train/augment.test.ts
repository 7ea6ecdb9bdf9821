import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { preprocessImage } from '../../lib/image/preprocess.js'
import { train } from '../../lib/train/run.js'
import { clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, logOf, MODEL, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 16)
})
const small = { model: MODEL, batchSize: 8, epochs: 1, threads: 1, seed: 5 }
const lossesOf = (out: string) => stepsOf(logOf(out)).map(({ loss }) => loss)

describe('augmentation', () => {
  test.each(['crop', 'imagenet', 'jitter-paste'] as const)(
    '%s repeats its pictures, and no other does',
    async (augment) => {
      const outs = [path(`${augment}-a`), path(`${augment}-b`)] as const
      for (const out of outs) await train({ ...small, data, out, augment, workers: out === outs[0] ? 1 : 8 }).result
      expect(lossesOf(outs[0])).toHaveLength(2)
      expect(lossesOf(outs[1])).toEqual(lossesOf(outs[0]))
      expect(await digestsOf(outs[1], WEIGHTS)).toEqual(await digestsOf(outs[0], WEIGHTS))
      const plain = path(`${augment}-not`)
      await train({ ...small, data, out: plain, augment: augment === 'crop' ? false : 'crop' }).result
      expect(lossesOf(plain)).not.toEqual(lossesOf(outs[0]))
    },
  )

  test('true is the policy crop', async () => {
    for (const [out, augment] of [
      [path('true'), true],
      [path('named'), { policy: 'crop' }],
    ] as const)
      await train({ ...small, data, out, augment }).result
    expect(lossesOf(path('named'))).toEqual(lossesOf(path('true')))
  })
})

describe('resize', () => {
  test('letterbox is kept in the checkpoint, and in what is trained from it', async () => {
    const ended = await clipwright(
      `train --data ${data} --model ${MODEL} --batch-size 8 --epochs 1 --threads 1 --no-augment --resize letterbox --out ${path('letterbox')}`.split(
        ' ',
      ),
    ).ended
    expect(ended).toMatchObject({ code: 0 })
    const last = join(path('letterbox'), 'checkpoints/last')
    const stored = JSON.parse(readFileSync(join(last, 'open_clip_config.json'), 'utf8'))
    expect(stored.preprocess_cfg).toMatchObject({ resize_mode: 'letterbox' })

    await train({ ...small, model: undefined as never, data, out: path('next'), load: last }).result
    await using clip = await Clip.load(join(path('next'), 'checkpoints/last'))
    expect(clip.preprocess).toMatchObject({ resize_mode: 'letterbox' })
    const wide = await wideBytes()
    const size = clip.preprocess.size
    const features = await clip.encodeImages([wide])
    const own = await clip.encodeImages(await preprocessImage(wide, { size, mode: 'letterbox' }))
    expect(features.data).toEqual(own.data)
    const cropped = await clip.encodeImages(await preprocessImage(wide, { size, mode: 'crop' }))
    expect(features.data).not.toEqual(cropped.data)
  })

  test('crop undoes it', async () => {
    await using clip = await Clip.create(MODEL, { resize: 'letterbox' })
    await clip.save(path('boxed'))
    await using again = await Clip.load(path('boxed'), { resize: 'crop' })
    expect(again.preprocess.resize_mode).toBe('shortest')
    expect(again.preprocess.fill_color).toBeUndefined()
  })

  test.each([
    [{ resize: 'stretch' }, /option "resize"/],
    [{ augment: 'imagnet' }, /option "augment": .*jitter-paste/],
    [{ augment: { policy: 'jitter-paste', scale: [0.5, 1] } }, /option "augment/],
  ])('refuses %j', async (options, message) => {
    await expect(train({ ...small, data, ...options } as never).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})

async function wideBytes(): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  return sharp({ create: { width: 90, height: 40, channels: 3, background: 'teal' } })
    .png()
    .toBuffer()
}
