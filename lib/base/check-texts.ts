import { type ClipwrightError, invalid } from './errors.js'
import { show } from './options.js'

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when `texts` is not a list of strings */
export function checkTexts(texts: unknown, where: string): void {
  if (!Array.isArray(texts)) throw refused(where, show(texts))
  const at = texts.findIndex((text) => typeof text !== 'string')
  if (at >= 0) throw refused(where, `${show(texts[at])} at index ${at}`)
}

function refused(where: string, got: string): ClipwrightError {
  return invalid(`${where} expects a list of strings, got ${got}.`)
}
