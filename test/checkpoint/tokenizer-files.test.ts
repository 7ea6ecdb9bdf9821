/** Models whose texts go through a tokenizer.json that lies beside the weights. */
import { copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Clip, convert, type ModelConfig, type Tokens } from '../../lib/index.js'
import { TINY } from '../clip/tiny.js'
import { rejection } from './weights.js'

const FILES = ['tokenizer.json', 'tokenizer_config.json']
const goldens = (name: string) => fileURLToPath(new URL(`../goldens/tokenizer-json/${name}`, import.meta.url))
const ids = async (name: string) =>
  (await JSON.parse(await readFile(goldens(`${name}/expected.json`), 'utf8'))).canonicalize

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-tokenizer-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const text_cfg = {
  ...TINY.text_cfg,
  context_length: 16,
  vocab_size: 800,
  hf_tokenizer_name: 'owner/tok',
  tokenizer_kwargs: { clean: 'canonicalize' },
}
const CONFIG = { ...TINY, text_cfg } as ModelConfig
const SIGLIP = { ...TINY, text_cfg: { ...text_cfg, no_causal_mask: true, pool_type: 'last' } } as ModelConfig

/** A folder of such a model, with a tokenizer's files. */
async function saved(config: ModelConfig, tokenizer: string): Promise<string> {
  const path = join(folder, 'm')
  await using clip = await Clip.create(config, { device: 'cpu', seed: 1 })
  await clip.save(path)
  for (const name of FILES) await copyFile(join(goldens(tokenizer), name), join(path, name))
  return path
}
const strings: Promise<string[]> = readFile(goldens('strings.json'), 'utf8').then((text) => JSON.parse(text))
const rowsOf = (clip: Clip, texts: string[]) => {
  const { data } = clip.tokenizer.encodeBatch(texts, { contextLength: 16 })
  return texts.map((_, i) => [...data.subarray(16 * i, 16 * i + 16)])
}
const features = async (clip: Clip) => (await clip.encodeTexts((await strings).slice(0, 8))).data

describe.each([
  ['xlm-roberta', CONFIG],
  ['t5', SIGLIP],
  ['siglip2', SIGLIP],
  ['roberta', CONFIG],
])('a folder with the tokenizer %s', (name, config) => {
  it('encodes texts by it, and is saved with it in every layout', async () => {
    const path = await saved(config, name)
    await using clip = await Clip.load(path, { device: 'cpu' })
    expect(rowsOf(clip, await strings)).toEqual(await ids(name))
    const wanted = await features(clip)
    const rows = { shape: [8, 16], data: Int32Array.from((await ids(name)).slice(0, 8).flat()) } as Tokens
    // Ids that come padded, and strings, are the same to a tower that sees its padding.
    if (config === SIGLIP) expect((await clip.encodeTexts(rows)).data).toEqual(wanted)
    const kept = (at: string) => Promise.all(FILES.map((file) => readFile(join(at, file), 'utf8')))
    const layouts = config === CONFIG ? (['open_clip', 'openai'] as const) : (['open_clip'] as const)
    for (const layout of layouts) {
      const out = join(folder, layout)
      await clip.save(out, { layout })
      expect(await kept(out)).toEqual(await kept(path))
      await using again = await Clip.load(out, { device: 'cpu' })
      expect(await features(again)).toEqual(wanted)
    }
    if (config !== CONFIG) return
    await clip.save(join(folder, 'onnx'), { layout: 'onnx' })
    expect(await kept(join(folder, 'onnx'))).toEqual(await kept(path))
    await convert(path, join(folder, 'small'), { dtype: 'bf16' })
    expect(await kept(join(folder, 'small'))).toEqual(await kept(path))
  })
})

describe('a file of weights', () => {
  it('holds the tokenizer, and finds one that lies beside it', async () => {
    const path = await saved(CONFIG, 't5')
    await using clip = await Clip.load(path, { device: 'cpu' })
    const wanted = await features(clip)
    await clip.save(join(folder, 'alone.safetensors'))
    await using alone = await Clip.load(join(folder, 'alone.safetensors'), { device: 'cpu' })
    expect(await features(alone)).toEqual(wanted)
    await using beside = await Clip.load(join(path, 'open_clip_model.safetensors'), { device: 'cpu' })
    expect(await features(beside)).toEqual(wanted)
  })
})

describe('without its tokenizer a model', () => {
  it('takes ids, says of strings where the tokenizer is to be had, and leaves files alone that are not its', async () => {
    const path = await saved(CONFIG, 't5')
    const config = join(path, 'tokenizer_config.json')
    await rm(join(path, 'tokenizer.json'))
    await using clip = await Clip.load(path, { device: 'cpu' })
    const rows = { shape: [1, 3], data: Int32Array.of(5, 6, 2) } as Tokens
    expect((await clip.encodeTexts(rows)).shape).toEqual([1, 16])
    const lacking = 'the tokenizer "owner/tok", whose tokenizer.json does not lie beside the weights; put it there'
    await expect(clip.encodeTexts(['a'])).rejects.toThrow(rejection('ERR_UNSUPPORTED', lacking))
    await clip.save(path)
    expect(await readFile(config, 'utf8')).toContain('<pad>')
  })

  it('makes one of a vocab.txt', async () => {
    const path = await saved(CONFIG, 't5')
    const { model } = JSON.parse(await readFile(join(goldens('bert'), 'tokenizer.json'), 'utf8'))
    const pieces = Object.entries(model.vocab as Record<string, number>).sort(([, a], [, b]) => a - b)
    await rm(join(path, 'tokenizer.json'))
    await writeFile(join(path, 'vocab.txt'), `${pieces.map(([piece]) => piece).join('\n')}\n`)
    await writeFile(join(path, 'tokenizer_config.json'), '{"do_lower_case": true}')
    await using clip = await Clip.load(path, { device: 'cpu' })
    const words = ['A dog.', 'the cat', 'Straße', 'naïve café']
    await cp(goldens('bert'), join(folder, 'bert'), { recursive: true })
    for (const file of FILES) await copyFile(join(folder, 'bert', file), join(path, file))
    await using other = await Clip.load(path, { device: 'cpu' })
    expect(rowsOf(clip, words)).toEqual(rowsOf(other, words))
  })
})

describe('a tokenizer is refused', () => {
  it('that has ids which the tower has not', async () => {
    const small = { ...TINY, text_cfg: { ...text_cfg, vocab_size: 100 } } as ModelConfig
    const path = await saved(small, 't5')
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_MISMATCH', "but the model's vocabulary 100 ids"))
  })

  it('whose file is cut off', async () => {
    const path = await saved(CONFIG, 't5')
    const text = await readFile(join(path, 'tokenizer.json'), 'utf8')
    await writeFile(join(path, 'tokenizer.json'), text.slice(0, text.length / 2))
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_FORMAT', 'tokenizer.json is not JSON'))
  })
})

it('layout hf is not written over graphs of other weights', async () => {
  await using clip = await Clip.create({ ...TINY, text_cfg: { ...TINY.text_cfg, vocab_size: 49408 } } as ModelConfig)
  const path = join(folder, 'm')
  await clip.save(path, { layout: 'onnx' })
  const before = (await readdir(path)).sort()
  await expect(clip.save(path, { layout: 'hf' })).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'holds onnx'))
  expect((await readdir(path)).sort()).toEqual(before)
  await expect(clip.save(join(folder, 'x'), { dtype: 'int8' })).rejects.toThrow(
    rejection('ERR_UNSUPPORTED', 'layout "open_clip" has no weights in int8'),
  )
})
