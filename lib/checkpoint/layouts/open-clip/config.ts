/** `open_clip_config.json`: a model and its preprocessing. */
import { ClipwrightError } from '../../../base/errors.js'
import { parseJson } from '../../../files/json.js'
import { type Description, describe } from '../../../models/description.js'
import { asFormatError } from '../as-format-error.js'

/** As JSON. */
export function describeModel({ config, preprocess }: Description, indent?: number): string {
  // The size follows from the image tower; open_clip leaves it out, too.
  const { size: _, ...preprocessConfig } = preprocess
  return JSON.stringify({ model_cfg: config, preprocess_cfg: preprocessConfig }, null, indent)
}

/**
 * @param where the file, for messages
 * @throws ClipwrightError ERR_FORMAT when it is not JSON, has no `model_cfg` or one that is not a model's, ERR_UNSUPPORTED
 */
export function parseDescription(text: string, where: string): Description {
  const value = parseJson(text, where) as { model_cfg?: unknown; preprocess_cfg?: unknown } | null
  if (typeof value !== 'object' || value === null || value.model_cfg === undefined) {
    throw new ClipwrightError('ERR_FORMAT', `${where} is not an open_clip configuration: it has no "model_cfg".`)
  }
  const { model_cfg, preprocess_cfg } = value
  return asFormatError(() => describe(model_cfg, preprocess_cfg, where))
}
