import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CONFIG_NAME, readOpenClipConfig } from '../../../../lib/checkpoint/layouts/open-clip/folder.js'
import { Clip } from '../../../../lib/clip/clip.js'
import { modelConfig } from '../../../../lib/models/registry.js'
import { resolveModel } from '../../../../lib/models/resolve.js'
import type { NativeModel } from '../../../../lib/native/model.js'
import { fuzz, fuzzTimeout } from '../../../fuzz/fuzz.js'
import { mutateBytes, mutateJson } from '../../../fuzz/mutations.js'

const tiny = modelConfig('ViT-tiny-test')
const original = {
  model_cfg: { ...tiny, text_cfg: { ...tiny.text_cfg, vocab_size: 512 }, quick_gelu: false, init_logit_scale: 2.6 },
  preprocess_cfg: {
    mean: [0.48, 0.45, 0.4],
    std: [0.26, 0.26, 0.27],
    interpolation: 'bicubic',
    resize_mode: 'shortest',
  },
}

/** Small enough to be built 20,000 times. */
function isSmall({ vision, text, embedDim }: NativeModel): boolean {
  const sides = [vision.width, vision.mlpWidth, text.width, text.mlpWidth, embedDim]
  const rows = [
    text.vocabSize,
    text.contextLength,
    (vision.imageSize / vision.patchSize) ** 2,
    vision.patchSize ** 2 * 3,
  ]
  const layers = vision.layers + text.layers
  return Math.max(...sides) <= 256 && Math.max(...rows) <= 4096 && layers <= 16
}

it(
  'a damaged open_clip_config.json describes a model that can be built, or is refused',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    const codes = ['ERR_FORMAT', 'ERR_INVALID_ARGUMENT', 'ERR_UNSUPPORTED'] as const
    let built = 0
    try {
      await fuzz('open_clip_config.json', { codes }, async (random) => {
        const text = JSON.stringify(random.below(2) ? mutateJson(original, random) : original, null, 2)
        const bytes = random.below(2) ? mutateBytes(Buffer.from(text), random) : text
        await writeFile(join(folder, CONFIG_NAME), bytes)
        const { config, preprocess } = await readOpenClipConfig(folder)
        if (!isSmall(resolveModel(config, preprocess, folder))) return
        const clip = await Clip.create(config, { threads: 1 })
        expect(clip.config).toEqual(config)
        await clip.dispose()
        built++
      })
      expect(built).toBeGreaterThan(0)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)
