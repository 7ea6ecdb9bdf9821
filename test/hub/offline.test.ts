import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  Clip,
  checkDataset,
  convert,
  convertToInt8,
  inspectModel,
  interpolate,
  interpolationSweep,
  train,
} from '../../lib/index.js'
import { hubKit, NAME } from './kit.js'

const kit = hubKit()
const { hub } = kit

const MODEL = `hf-hub:${NAME}`
const offline = true

/** All that opens a model: each is told of a place to write, and of data to read. */
const OPENERS: Record<string, (out: string, data: string) => Promise<unknown>> = {
  'Clip.load': () => Clip.load(MODEL, { offline }),
  inspectModel: () => inspectModel(MODEL, { offline }),
  convert: (out) => convert(MODEL, out, { offline }),
  convertToInt8: (out) => convertToInt8(MODEL, out, { offline }),
  interpolate: (out) => interpolate(MODEL, MODEL, { alpha: 0.5, out, offline }),
  interpolationSweep: (_, val) => interpolationSweep(MODEL, MODEL, { val: [val], load: { offline } }),
  checkDataset: (_, data) => checkDataset({ data, model: MODEL, offline }),
  train: (out, data) => train({ load: MODEL, data, out, offline, batchSize: 1 }).result,
  'train, of a teacher': (out, data) =>
    train({ model: 'ViT-tiny-test', distill: MODEL, data, out, offline, batchSize: 1 }).result,
}

it.each(Object.entries(OPENERS))('%s asks no hub offline, and says where it looked', async (_, open) => {
  hub.add(NAME, kit.model)
  hub.asked.length = 0
  const data = join(kit.cacheDir, 'list.json')
  writeFileSync(data, JSON.stringify([{ image: 'a.png', caption: 'a' }]))
  await expect(open(join(kit.cacheDir, 'out'), data)).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
    message: expect.stringContaining(`owner/model at main is not in the cache (${kit.cacheDir})`),
  })
  expect(hub.asked).toEqual([])
})
