/** The golden models of test/goldens, and what `Clip.load` is given for each: also for scripts/card/goldens.mjs. */
import { readFileSync } from 'node:fs'

export const CASES = [
  'openclip-gelu',
  'openclip-quickgelu',
  'openclip-siglip',
  'hf-siglip',
  'openclip-options',
  'openclip-eva02',
  'openclip-eva02-post-norm',
  'openclip-pe',
  'seed-self-cn',
  'seed-openai',
  'hf-clip',
  'hf-chinese-clip',
  'openclip-xlm-roberta',
]

/** Where a case is not a folder of open_clip's. */
const PLACES = {
  'seed-self-cn': (folder) => ({
    path: `${folder}/model.safetensors`,
    options: { model: referenceConfig(metaOf(folder)) },
    layout: 'reference-cn',
  }),
  'seed-openai': (folder) => ({
    path: `${folder}/model.safetensors`,
    options: { model: metaOf(folder).config },
    layout: 'openai',
  }),
  'hf-siglip': (folder) => ({ path: folder, options: {}, layout: 'hf' }),
  'hf-clip': (folder) => ({ path: folder, options: {}, layout: 'hf' }),
  'hf-chinese-clip': (folder) => ({ path: folder, options: {}, layout: 'hf' }),
}

/** What a case's loss is called in options. */
export const lossOf = (folder) => metaOf(folder).loss

/**
 * `folder`: test/goldens/NAME or a copy of it. `layout`: whose names the gradients have.
 * @returns {{ path: string, options: import('../../lib/clip/clip.js').LoadOptions, layout: import('../../lib/checkpoint/layouts/ids.js').Layout }}
 */
export function placeOf(name, folder) {
  return PLACES[name]?.(folder) ?? { path: folder, options: {}, layout: 'open_clip' }
}

const metaOf = (folder) => JSON.parse(readFileSync(`${folder}/meta.json`, 'utf8'))

/** The reference keeps no configuration beside its weights: `meta.json` has the numbers. */
function referenceConfig(meta) {
  return {
    embed_dim: meta.embed_dim,
    quick_gelu: true,
    vision_cfg: {
      image_size: meta.image_size,
      patch_size: meta.patch,
      width: meta.vision_width,
      layers: meta.vision_layers,
      head_width: meta.vision_width / meta.vision_heads,
    },
    text_cfg: { hf_config: meta.bert, pooler: 'pooler', ln_final: true, proj: 'linear' },
  }
}
