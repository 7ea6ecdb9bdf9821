/** What a model is: open_clip's JSON, key for key, checked before anything is built from it. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import type { ModelConfig, TextConfig, VisionConfig } from './model-config.js'
import { count, flag, none, off } from './towers/keys.js'
import { imageTower, textTower } from './towers/table.js'

/** What stands beside the towers. */
export const modelSchema = z.strictObject({
  embed_dim: count,
  vision_cfg: z.custom<VisionConfig>(),
  text_cfg: z.custom<TextConfig>(),
  quick_gelu: flag.optional(),
  init_logit_scale: z.number().optional(),
  init_logit_bias: z.number().nullable().optional(),
  nonscalar_logit_scale: off,
  custom_text: flag.nullable().optional(),
  multimodal_cfg: none,
})

export type { ModelConfig }

/**
 * A copy of the configuration, unchanged, once every key in it is known and its value can be built.
 * @param where what is being read, for messages: a model's name or a file's path
 * @throws ClipwrightError ERR_UNSUPPORTED for a feature of open_clip that is not there yet, ERR_INVALID_ARGUMENT for
 *   an unknown key (offering the nearest) or a value of the wrong kind
 */
export function parseModelConfig(value: unknown, where: string): ModelConfig {
  const towers = towersOf(value)
  const schema = modelSchema.extend({ vision_cfg: towers.vision_cfg.schema, text_cfg: towers.text_cfg.schema })
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw configError(parsed.error.issues[0]!, value, where, parsed.error)
  return structuredClone(value) as ModelConfig
}

function towersOf(value: unknown) {
  const { vision_cfg, text_cfg } = Object(value) as Partial<ModelConfig>
  return { vision_cfg: imageTower(vision_cfg), text_cfg: textTower(text_cfg) }
}

function configError(issue: z.core.$ZodIssue, config: unknown, where: string, cause: Error): ClipwrightError {
  const path = issue.path.join('.')
  const value = issue.path.reduce<unknown>((o, key) => (o as Record<PropertyKey, unknown> | undefined)?.[key], config)
  const found = show(value)
  const [part, key] = issue.path
  const towers = towersOf(config)
  const tower = towers[part as keyof typeof towers]
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((tower?.schema ?? modelSchema).shape)
    const keys = issue.keys.map((key) => {
      const close = nearest(key, known)
      return close ? `"${key}" (did you mean "${close}"?)` : `"${key}"`
    })
    const message = `${where}: ${path || 'the model config'} has unknown ${keys.length > 1 ? 'keys' : 'key'} ${keys.join(', ')}.`
    return new ClipwrightError('ERR_INVALID_ARGUMENT', message, { cause })
  }
  if (issue.code === 'invalid_value') {
    const supported = issue.values.map((v) => show(v)).join(' or ')
    const message = `${where}: "${path}": ${found} is not supported yet; this version builds models with ${supported}.`
    return new ClipwrightError('ERR_UNSUPPORTED', message, { cause })
  }
  const meaning = tower?.explain?.(String(key), value)
  if (meaning) return new ClipwrightError('ERR_UNSUPPORTED', `${where}: "${path}": ${found} ${meaning}.`, { cause })
  const expected = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')
  const message = `${where}: ${path ? `"${path}"` : 'the model config'}: ${expected}, got ${found}.`
  return new ClipwrightError('ERR_INVALID_ARGUMENT', message, { cause })
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
