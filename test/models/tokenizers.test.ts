/** How each of open_clip's configurations makes ids of texts. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isModelName, modelConfig } from '../../lib/models/registry.js'
import { defaultTokenizer } from '../../lib/models/resolve.js'

const models = Object.keys(
  JSON.parse(readFileSync(new URL('../goldens/open_clip-parameters.json', import.meta.url), 'utf8')),
)

const siglip = (name: string, vocabSize: number) => ({
  type: 'json',
  name,
  manner: { clean: 'canonicalize', stripSeparator: false },
  padId: 0,
  vocabSize,
})

/** The first row whose pattern a name fits. */
const WAYS: [RegExp, object][] = [
  [/SigLIP-i18n/, siglip('timm/ViT-B-16-SigLIP-i18n-256', 250000)],
  [
    /SigLIP2/,
    expect.objectContaining({ type: 'json', vocabSize: 256000, name: expect.stringMatching(/^timm\/.*SigLIP2/) }),
  ],
  [/SigLIP/, siglip('timm/ViT-B-16-SigLIP', 32000)],
  [
    /CLIPA/,
    {
      type: 'json',
      name: 'bert-base-uncased',
      manner: { clean: 'whitespace', stripSeparator: true },
      padId: 0,
      vocabSize: 32000,
    },
  ],
  [/^ViT-L-14-worldwide/, siglip('google/mt5-base', 250100)],
  [
    /worldwide/,
    {
      type: 'json',
      name: 'facebook/xlm-v-base',
      manner: { clean: 'whitespace', stripSeparator: false },
      padId: 0,
      vocabSize: 901629,
    },
  ],
  [/./, { type: 'clip' }],
]

describe('texts become ids', () => {
  it.each(models.filter(isModelName))('of %s', (name) => {
    const [, way] = WAYS.find(([pattern]) => pattern.test(name))!
    expect(defaultTokenizer(modelConfig(name))).toEqual(way)
  })

  it('of all that can be built: the rest are PE-Core and EVA02', () => {
    expect(existsSync(new URL('../../lib/models/configs/ViT-H-14-CLIPA.json', import.meta.url))).toBe(true)
    expect(models.filter((name) => !isModelName(name) && !/SigLIP|PE-Core|EVA02/.test(name))).toEqual([])
  })
})
