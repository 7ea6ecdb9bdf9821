/** The models that a tokenizer.json may have. */

import { makeBpe } from './bpe.js'
import { damaged } from './component.js'
import type { Model } from './model.js'
import { makeUnigram } from './unigram.js'
import { makeWordLevel, makeWordPiece } from './words.js'

const MODELS = { Unigram: makeUnigram, BPE: makeBpe, WordPiece: makeWordPiece, WordLevel: makeWordLevel } as const
type ModelType = keyof typeof MODELS

/** @throws ClipwrightError ERR_FORMAT naming a model that is not known, or what is odd about it */
export async function makeModel(value: unknown, where: string): Promise<Model> {
  const place = { where, key: 'model' }
  if (typeof value !== 'object' || value === null) throw damaged(place, 'expected a model')
  const type = (value as { type?: unknown }).type ?? typeOf(value)
  if (typeof type !== 'string' || !Object.hasOwn(MODELS, type)) {
    throw damaged(place, `the model ${JSON.stringify(type)} is not known; known are ${Object.keys(MODELS).join(', ')}`)
  }
  return MODELS[type as ModelType](value, { where, key: `model ${type}` })
}

/** Of files from before models said it. */
function typeOf(model: object): ModelType | undefined {
  if ('merges' in model) return 'BPE'
  if ('vocab' in model && Array.isArray(model.vocab)) return 'Unigram'
  return 'max_input_chars_per_word' in model ? 'WordPiece' : undefined
}
