import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { toChineseClip } from '../../../../../lib/checkpoint/layouts/hf/chinese-clip/config.js'
import { readHfFolder } from '../../../../../lib/checkpoint/layouts/hf/folder.js'
import { parsePreprocessConfig } from '../../../../../lib/image/parse-preprocess-config.js'
import { resolveModel } from '../../../../../lib/models/resolve.js'
import { openTokenizer } from '../../../../../lib/tokenizer/choice.js'
import { TINY_CHINESE } from '../../../../clip/tiny.js'
import { fuzz, fuzzTimeout, pick } from '../../../../fuzz/fuzz.js'
import { damagedFile } from '../../../../fuzz/mutations.js'

const PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '一', '只', '狗', 'dog', '##s']
const pictures = {
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  resample: 3,
  size: { height: 16, width: 16 },
}
const square = parsePreprocessConfig({ resize_mode: 'squash' }, 16, 'test')

/** As transformers wrote folders before version 5 and since. */
const SMALL_FILES: Record<string, unknown>[] = [
  { 'preprocessor_config.json': pictures, 'vocab.txt': `${PIECES.join('\n')}\n` },
  {
    'processor_config.json': { image_processor: pictures },
    'tokenizer.json': {
      model: { type: 'WordPiece', vocab: Object.fromEntries(PIECES.map((piece, id) => [piece, id])) },
    },
  },
].map((files) => ({
  'config.json': toChineseClip(resolveModel(TINY_CHINESE, square, 'test')),
  'tokenizer_config.json': { do_lower_case: true, model_max_length: 20 },
  ...files,
}))

it(
  'a damaged folder of Hugging Face describes a model and a tokenizer, or is refused',
  async () => {
    const codes = ['ERR_FORMAT', 'ERR_UNSUPPORTED'] as const
    await fuzz('config.json and files beside it', { codes }, async (random) => {
      const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
      try {
        const files = pick(random, SMALL_FILES)
        const bad = pick(random, Object.keys(files))
        for (const [name, content] of Object.entries(files)) {
          const text = typeof content === 'string' ? content : JSON.stringify(content)
          await writeFile(join(folder, name), name === bad ? damagedFile(content, random) : text)
        }
        const { config, preprocess, tokenizer } = await readHfFolder(folder)
        resolveModel(config, preprocess, folder)
        const opened = await openTokenizer(tokenizer)
        for (const id of opened.encode('一只狗 dogs')) expect(id).toBeLessThan(opened.vocabSize)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  },
  fuzzTimeout,
)
