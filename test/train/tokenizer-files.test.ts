/** A run whose texts go through a tokenizer.json keeps it with every checkpoint. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, WEIGHTS } from './runs.js'

const FILES = ['tokenizer.json', 'tokenizer_config.json']
const goldens = fileURLToPath(new URL('../goldens/tokenizer-json/roberta', import.meta.url))
const folder = temporaryFolder()
const path = (...name: string[]) => join(folder, ...name)

test('checkpoints have the tokenizer that the weights to start from had, and a resumed run goes on with it', async () => {
  const data = await captionList(folder, 'train', 16)
  const text_cfg = { ...LIGHT.text_cfg, vocab_size: 800, hf_tokenizer_name: 'owner/tok' }
  await using clip = await Clip.create({ ...LIGHT, text_cfg } as ModelConfig, { device: 'cpu', threads: 1 })
  await clip.save(path('start'))
  for (const name of FILES) copyFileSync(join(goldens, name), path('start', name))
  const options = { load: path('start'), data, val: data, batchSize: 8, epochs: 2, threads: 1, ema: 0.5 } as const
  await train({ ...options, out: path('whole') }).result
  const run = train({ ...options, out: path('stopped') })
  for await (const event of run) if (event.type === 'step' && event.step === 1) break
  await run.stop()
  await train({ resume: path('stopped') }).result
  expect(await digestsOf(path('stopped'), WEIGHTS)).toEqual(await digestsOf(path('whole'), WEIGHTS))
  for (const run of ['whole', 'stopped']) {
    for (const checkpoint of ['checkpoints/last', 'checkpoints/best', 'averages/last']) {
      for (const name of FILES) {
        expect(readFileSync(path(run, checkpoint, name), 'utf8')).toBe(readFileSync(join(goldens, name), 'utf8'))
      }
    }
  }
  await using again = await Clip.load(path('whole/checkpoints/last'), { threads: 1 })
  await using start = await Clip.load(path('start'), { threads: 1 })
  expect(again.tokenizer.encode('a photo of a dog')).toEqual(start.tokenizer.encode('a photo of a dog'))
})
