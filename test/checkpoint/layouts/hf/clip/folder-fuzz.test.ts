import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { toClip } from '../../../../../lib/checkpoint/layouts/hf/clip/config.js'
import { readHfFolder } from '../../../../../lib/checkpoint/layouts/hf/folder.js'
import { parsePreprocessConfig } from '../../../../../lib/image/parse-preprocess-config.js'
import { resolveModel } from '../../../../../lib/models/resolve.js'
import { TINY } from '../../../../clip/tiny.js'
import { fuzz, fuzzTimeout, pick } from '../../../../fuzz/fuzz.js'
import { damagedFile } from '../../../../fuzz/mutations.js'

const config = toClip(resolveModel(TINY, parsePreprocessConfig({}, 16, 'test'), 'test')) as Record<string, object>
/** As OpenAI's first uploads have it. */
const OLD = { ...config, text_config_dict: config.text_config, vision_config_dict: config.vision_config }
const pictures = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], resample: 3, size: 16, crop_size: 16 }

/** The vocabulary's own files are too large for so many cases: of these every one is refused, whole ones, too. */
const FOREIGN = {
  'vocab.json': { '!': 0, a: 1, '<|startoftext|>': 2, '<|endoftext|>': 3 },
  'merges.txt': '#version: 0.2\ni n\nt h\n',
  'tokenizer.json': {
    added_tokens: [{ id: 3, content: '<|endoftext|>' }],
    model: { type: 'BPE', vocab: { '!': 0 }, merges: [] },
  },
}

it(
  'a damaged folder of CLIPModel describes a model, or is refused',
  async () => {
    const codes = ['ERR_FORMAT', 'ERR_UNSUPPORTED'] as const
    await fuzz('config.json of CLIPModel and files beside it', { codes }, async (random) => {
      const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
      try {
        const files: Record<string, unknown> = {
          'config.json': random.below(2) ? config : OLD,
          'preprocessor_config.json': pictures,
          'tokenizer_config.json': { tokenizer_class: 'CLIPTokenizer', model_max_length: 8 },
        }
        const bad = pick(random, Object.keys(files))
        for (const [name, content] of Object.entries(files)) {
          await writeFile(join(folder, name), name === bad ? damagedFile(content, random) : JSON.stringify(content))
        }
        let foreign: string | undefined
        if (random.below(16) === 0) {
          const name = pick(random, Object.keys(FOREIGN) as (keyof typeof FOREIGN)[])
          await writeFile(join(folder, name), damagedFile(FOREIGN[name], random))
          foreign = name
        }
        const read = await readHfFolder(folder)
        expect(read.tokenizer.type).toBe(foreign === 'tokenizer.json' ? 'json' : 'clip')
        const { text } = resolveModel(read.config, read.preprocess, folder)
        expect(text.kind).toBe('causal')
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  },
  fuzzTimeout,
)
