/** The commands with the models that users of Chinese-CLIP hold: a folder of ChineseCLIPModel, and Chinese-CLIP's own `.pt`. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { preprocessImage } from '../../lib/image/preprocess.js'
import { archive, dict, int, pickle, stateDict, text, zip } from '../checkpoint/formats/pickle/assemble.js'
import { TINY_CHINESE } from '../clip/tiny.js'
import { clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const hf = path('hf')
const pt = path('clip_cn.pt')
/** Small enough to train here, and of a name: a file of weights says nothing about its model. */
const NAMED = 'ViT-Ti-8@BERT-quickstart'
const captions = ['一只猫', '两只狗在草地上', '三个苹果，红色', '蓝天']
let data: string
let wide: string

async function run(...args: string[]) {
  const { code, stdout, stderr } = await clipwright([...args, '--threads', '1']).ended
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout
}

async function json(...args: string[]) {
  return JSON.parse(await run(...args, '--json'))
}

const trained = (out: string, ...args: string[]) =>
  run('train', '--data', data, '--val', data, '--epochs', '1', '--batch-size', '4', '--out', path(out), ...args)

const preprocessOf = async (out: string) =>
  JSON.parse(await readFile(join(path(out), 'checkpoints/last/open_clip_config.json'), 'utf8')).preprocess_cfg

beforeAll(async () => {
  data = await captionList(folder, 'train', 8, (entry, i) => ({ ...entry, caption: `${captions[i % 4]}${i}` }))
  wide = path('wide.png')
  await sharp(join(folder, 'train/0.png')).resize(60, 20, { fit: 'fill' }).png().toFile(wide)

  await using chinese = await Clip.create(TINY_CHINESE, { seed: 1, resize: 'squash' })
  await chinese.save(hf, { layout: 'hf' })

  await using named = await Clip.create(NAMED, { seed: 2 })
  await named.save(path('named.safetensors'))
  const { tensors } = await readSafetensors(path('named.safetensors'))
  const own = Object.entries(tensors).map(([name, tensor]) => [name.replace(/^transformer\./, 'bert.'), tensor])
  const [weights, storages] = stateDict(Object.fromEntries(own), 'module.')
  const checkpoint = { epoch: int(3), name: text('x'), state_dict: weights, optimizer: dict({ step: int(7) }) }
  await writeFile(pt, zip(archive(pickle(dict(checkpoint)), storages)))
})

describe('a folder of ChineseCLIPModel', () => {
  it('is trained on, its pictures squashed and its vocabulary kept', async () => {
    await trained('tuned', '--load', hf)
    expect(await preprocessOf('tuned')).toMatchObject({ resize_mode: 'squash' })
    await trained('cropped', '--load', hf, '--resize', 'crop')
    expect(await preprocessOf('cropped')).toMatchObject({ resize_mode: 'shortest' })

    const out = await json('eval', '--model', join(path('tuned'), 'checkpoints/last'), '--data', data)
    expect(out).toMatchObject({
      images: 8,
      protocol: { preprocessing: { resize_mode: 'squash', size: 16 }, contextLength: 24 },
    })
    await using clip = await Clip.load(join(path('tuned'), 'checkpoints/last'))
    expect(clip.tokenizer.encode('一只猫')).toHaveLength(3)
  })

  it('is trained on by the preset of the reference, its pictures still squashed', async () => {
    await trained('preset', '--preset', 'reference', '--load', hf)
    expect(await preprocessOf('preset')).toMatchObject({ resize_mode: 'squash' })
  })

  it('is evaluated, predicts, encodes and shows itself', async () => {
    const recall = await json('eval', '--model', hf, '--data', data)
    expect(recall).toMatchObject({ txt_r10: 100, protocol: { preprocessing: { resize_mode: 'squash' } } })

    const texts = captions.flatMap((caption) => ['--text', caption])
    const [{ results }] = await json('predict', '--model', hf, '--image', wide, ...texts)
    expect(results.map((r: { text: string }) => r.text).sort()).toEqual([...captions].sort())

    await run('encode', '--model', hf, '--images', wide, '--out', path('e.safetensors'))
    const { tensors } = await readSafetensors(path('e.safetensors'))
    await using clip = await Clip.load(hf, { threads: 1, trainable: false })
    const features = async (mode: 'squash' | 'crop') =>
      (await clip.encodeImages(await preprocessImage(wide, { size: 16, mode }))).data
    expect(tensors.embeddings?.data).toEqual(await features('squash'))
    expect(tensors.embeddings?.data).not.toEqual(await features('crop'))

    const { code, stdout } = await clipwright(['inspect', hf, '--json']).ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ model: { text_cfg: { pooler: 'cls' } }, preprocess: { size: 16 } })
  })

  it('says under which names parameters are frozen', async () => {
    const options = ['--data', data, '--load', hf, '--batch-size', '4', '--freeze', 'text_model.*']
    const { code, stderr } = await clipwright(['train', ...options, '--out', path('never')]).ended
    expect(code).toBe(1)
    expect(stderr).toContain("names are open_clip's, here")
    for (const name of ['visual.*', 'transformer.*', 'text_projection', 'logit_scale']) expect(stderr).toContain(name)
  })
})

describe('bench step', () => {
  it('measures a Chinese model, its text tower counted', async () => {
    const result = await json(
      'bench',
      'step',
      '--model',
      NAMED,
      '--batch-size',
      '2',
      '--steps',
      '1',
      '--precision',
      'fp32',
    )
    // By hand in test/models/flops.test.ts, at 20 tokens.
    expect(result.gflops * result.stepMs * 1e6).toBeCloseTo(2 * 1_125_407_232, -2)
  })

  it('ends with 2 where the padding cannot be computed', async () => {
    const ended = await clipwright(['bench', 'step', '--model', NAMED, '--full-context']).ended
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--full-context: the text tower') })
  })
})

describe("a file of Chinese-CLIP's", () => {
  const whose = ['--model', pt, '--architecture', NAMED]

  it('computes what its model did', async () => {
    await writeFile(path('texts.txt'), captions.join('\n'))
    await run('encode', ...whose, '--texts', path('texts.txt'), '--out', path('t.safetensors'))
    const { tensors } = await readSafetensors(path('t.safetensors'))
    await using clip = await Clip.load(path('named.safetensors'), { threads: 1, trainable: false })
    expect(tensors.embeddings?.data).toEqual((await clip.encodeTexts(captions)).data)

    const recall = await json('eval', ...whose, '--data', data)
    expect(recall).toEqual(await json('eval', '--model', path('named.safetensors'), '--data', data))
    const [{ results }] = await json('predict', ...whose, '--image', wide, '--text', '猫', '--text', '狗')
    expect(results).toHaveLength(2)
  })

  it('is trained on', async () => {
    await trained('pt', '--load', pt, '--model', NAMED)
    await trained('pt-preset', '--load', pt, '--model', NAMED, '--preset', 'reference')
    const out = await json('eval', '--model', join(path('pt-preset'), 'checkpoints/best'), '--data', data)
    expect(out.images).toBe(8)
  })

  it('says which model it is, where none or another is named', async () => {
    const none = await clipwright(['eval', '--model', pt, '--data', data]).ended
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining(`its shapes are those of ${NAMED}`) })
    const other = await clipwright(['eval', '--model', pt, '--architecture', 'ViT-tiny-test', '--data', data]).ended
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining(`(by their shapes ${NAMED})`) })
  })
})
