/**
 * The models that can be named: the JSON files beside this one, and other names for them. A file holds open_clip's
 * `model_cfg`; where pictures are not fitted as open_clip's default has it, `model_cfg` and `preprocess_cfg`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { ClipwrightError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { shorten, some } from '../base/shorten.js'
import type { ModelConfig } from './config.js'
import { type Description, describe } from './description.js'

const FOLDER = new URL('./configs/', import.meta.url)

/** Names that models have elsewhere: the reference's, Hugging Face's. */
const ALIASES: Record<string, string> = {
  'openai/VIT-B-32': 'openai-ViT-B-32',
  'openai/VIT-B-16': 'openai-ViT-B-16',
  'self-cn/VIT-B-32': 'self-cn-ViT-B-32',
  'openai/clip-vit-base-patch32': 'ViT-B-32-quickgelu',
  'openai/clip-vit-base-patch16': 'ViT-B-16-quickgelu',
  'openai/clip-vit-large-patch14': 'ViT-L-14-quickgelu',
  'openai/clip-vit-large-patch14-336': 'ViT-L-14-336-quickgelu',
  'OFA-Sys/chinese-clip-vit-base-patch16': 'ViT-B-16@RoBERTa-wwm-ext-base-chinese',
  'OFA-Sys/chinese-clip-vit-large-patch14': 'ViT-L-14@RoBERTa-wwm-ext-base-chinese',
  'OFA-Sys/chinese-clip-vit-large-patch14-336px': 'ViT-L-14-336@RoBERTa-wwm-ext-base-chinese',
  'OFA-Sys/chinese-clip-vit-huge-patch14': 'ViT-H-14@RoBERTa-wwm-ext-large-chinese',
}

/** Known by name, but of use to tests alone. */
const UNLISTED = ['ViT-tiny-test']

let names: string[] | undefined

/** Names of the built-in models, sorted; aliases are not listed. */
export function listModels(): string[] {
  return builtInNames().filter((name) => !UNLISTED.includes(name))
}

/** Also those that are not listed. */
export function builtInNames(): string[] {
  names ??= readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort()
  return [...names]
}

/**
 * The configuration of a built-in model: a fresh copy, to change at will.
 * @param name as in open_clip (`ViT-B-32`, also `ViT-B/32`) or Chinese-CLIP (`ViT-B-16@RoBERTa-wwm-ext-base-chinese`), or
 *   what it is called elsewhere (`openai/VIT-B-32`, `self-cn/VIT-B-32`, `openai/clip-vit-base-patch32`, `OFA-Sys/chinese-clip-vit-base-patch16`)
 * @throws ClipwrightError ERR_UNKNOWN_MODEL offering the nearest names
 */
export function modelConfig(name: string): ModelConfig {
  return describeModel(name).config
}

/**
 * A model with its preprocessing: a built-in one's own (Chinese-CLIP's squash pictures), a configuration's open_clip's default.
 * @throws ClipwrightError ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 */
export function describeModel(model: string | ModelConfig): Description {
  return typeof model === 'string' ? builtIn(model) : describe(model, {}, 'model')
}

/** Whether there is a model of this name, listed or not. */
export function isModelName(name: string): boolean {
  return configOf(name) !== undefined
}

function configOf(name: string): string | undefined {
  const known = builtInNames()
  return [ALIASES[name], name, name.replaceAll('/', '-')].find((n) => n !== undefined && known.includes(n))
}

function builtIn(name: string): Description {
  const found = configOf(name)
  if (found === undefined) throw unknownModel(name)
  const stored = JSON.parse(readFileSync(new URL(`${found}.json`, FOLDER), 'utf8'))
  return 'model_cfg' in stored ? describe(stored.model_cfg, stored.preprocess_cfg, found) : describe(stored, {}, found)
}

/**
 * What to say beside "there is no such name": those that are near, or where all are listed.
 * @returns the end of a sentence, without its full stop where it asks
 */
export function offerOf(name: string): string {
  const candidates = [...listModels(), ...Object.keys(ALIASES)]
  const close: string[] = []
  while (close.length < 3) {
    const next = nearest(
      name,
      candidates.filter((c) => !close.includes(c)),
    )
    if (next === undefined) break
    close.push(next)
  }
  if (close.length === 0) close.push(...candidates.filter((c) => c.toLowerCase().includes(name.toLowerCase())))
  return close.length > 0 ? `did you mean ${some(close, 3)}?` : 'clipwright models lists all names (listModels()).'
}

function unknownModel(name: string): ClipwrightError {
  const isPath = /[\\/]|^\.|\.\w+$/.test(name) || existsSync(name)
  const expected = isPath ? ' The name of a built-in model is expected here, no path.' : ''
  return new ClipwrightError(
    'ERR_UNKNOWN_MODEL',
    `There is no model named "${shorten(name)}"; ${offerOf(name)}${expected}`,
  )
}
