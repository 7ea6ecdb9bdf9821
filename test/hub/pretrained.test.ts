/** Weights by tag; the table has a row for the small model here, whose real ones take hundreds of megabytes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { rejection } from '../checkpoint/weights.js'
import { captionList } from '../train/pictures.js'
import { type Files, fakeHub } from './fake-hub.js'

const TABLE = {
  'ViT-tiny-test': {
    plain: { repository: 'owner/plain', preprocess: { mean: [0.1, 0.2, 0.3], resize_mode: 'squash' } },
    elsewhere: { repository: 'owner/elsewhere', file: 'pytorch_model.bin', quick_gelu: true },
  },
  RN50: { openai: { repository: 'timm/resnet50_clip.openai' } },
}
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const readFile = ((path: string | URL, ...rest: never[]) =>
    String(path).endsWith('/pretrained.json')
      ? JSON.stringify(TABLE)
      : fs.readFileSync(path, ...rest)) as typeof fs.readFileSync
  return { ...fs, readFileSync: readFile }
})
const { Clip, train } = await import('../../lib/index.js')

const weightOf = async (clip: InstanceType<typeof Clip>) =>
  (
    await clip
      .parameters()
      .find(({ name }) => name === 'visual.proj')!
      .read()
  ).data

const hub = fakeHub()
const folder = mkdtempSync(join(tmpdir(), 'clipwright-pretrained-'))
let model: Files
let weight: Float32Array

beforeAll(async () => {
  await using clip = await Clip.create('ViT-tiny-test', { seed: 6 })
  weight = await weightOf(clip)
  await clip.save(join(folder, 'model.safetensors'))
  model = Object.fromEntries(readdirSync(folder).map((name) => [`open_clip_${name}`, readFileSync(join(folder, name))]))
})
beforeEach(() => {
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HUB_CACHE', join(folder, 'cache'))
  vi.stubEnv('HF_HOME', folder)
  vi.stubEnv('HF_TOKEN', '')
  vi.stubEnv('HF_HUB_OFFLINE', '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('weights by tag come alone, and the table says how pictures are fitted', async () => {
  // As in repositories of timm: weights of the image tower alone beside those of the whole model.
  hub.add('owner/plain', { ...model, 'config.json': '{}', 'model.safetensors': 'of one tower' })
  await using clip = await Clip.load('ViT-tiny-test', { pretrained: 'plain' })
  expect(await weightOf(clip)).toEqual(weight)
  expect(clip.preprocess).toMatchObject({ mean: [0.1, 0.2, 0.3], resize_mode: 'squash' })
  expect(hub.fetched).toEqual(['open_clip_model.safetensors'])
})

it('another file of a tag is had as safetensors where it is there', async () => {
  hub.add('owner/elsewhere', {
    'pytorch_model.safetensors': model['open_clip_model.safetensors']!,
    'pytorch_model.bin': 'x',
  })
  await using clip = await Clip.load('ViT-tiny-test', { pretrained: 'elsewhere' })
  expect(clip.config.quick_gelu).toBe(true)
  expect(hub.fetched).toEqual(['pytorch_model.safetensors'])
})

it('a tag needs a name that can be built, and no other model', async () => {
  const both = Clip.load('ViT-tiny-test', { pretrained: 'plain', model: 'ViT-tiny-test' })
  await expect(both).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'exclude each other'))
  const later = rejection('ERR_UNSUPPORTED', "RN50 is a model of open_clip's that cannot be built here yet")
  await expect(Clip.load('RN50', { pretrained: 'openai' })).rejects.toThrow(later)
  const hint = rejection('ERR_NOT_FOUND', "{ pretrained: 'plain' } or --pretrained plain")
  await expect(Clip.load('ViT-tiny-test')).rejects.toThrow(hint)
  expect(hub.asked).toEqual([])
})

it('training starts from them, at the rate of fine-tuning', async () => {
  hub.add('owner/plain', model)
  const data = await captionList(folder, 'pictures', 4)
  const how = { data, model: 'ViT-tiny-test', pretrained: 'plain', epochs: 1, batchSize: 4, out: join(folder, 'run') }
  const run = train(how)
  const events = []
  for await (const event of run) events.push(event)
  expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'fine_tuning_rate' }))
  expect((await run.result).steps).toBe(1)
  const wrong = train({ ...how, out: join(folder, 'other'), load: join(folder, 'model.safetensors') })
  await expect(wrong.result).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'pretrained'))
})
