/** Parts of a model that training leaves as they are. */

import { type ClipwrightError, invalid } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { optionName } from '../base/option-names.js'
import type { Clip } from '../clip/clip.js'

/**
 * Freezes the parameters whose names match one of the patterns: `*` stands for any characters, dots too, `?` for one,
 * and a pattern is the whole name. Names are open_clip's, as in `visual.*` or `transformer.resblocks.?.attn.*`.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for a pattern that no parameter matches, and when nothing is left to train
 */
export function freeze(clip: Clip, patterns: readonly string[]): void {
  const parameters = clip.parameters()
  for (const pattern of patterns) {
    const expression = toExpression(pattern)
    const found = parameters.filter(({ name }) => expression.test(name))
    if (found.length === 0) throw noMatch(pattern, parameters)
    for (const parameter of found) parameter.trainable = false
  }
  if (parameters.every(({ trainable }) => !trainable)) {
    throw wrong(`${patterns.join(', ')} matches all ${parameters.length} parameters, so there is nothing to train`)
  }
}

function toExpression(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

function noMatch(pattern: string, parameters: readonly { name: string }[]): ClipwrightError {
  const names = parameters.map(({ name }) => name)
  const heads = [...new Set(names.map((name) => name.replace(/\..*/, '.*')))]
  const close = nearest(pattern, [...names, ...heads])
  const offer = close ? `did you mean "${close}"` : `names are open_clip's, here ${heads.join(', ')}`
  return wrong(`"${pattern}" matches no parameter; ${offer}`)
}

function wrong(what: string): ClipwrightError {
  return invalid(`train: ${optionName('freeze')}: ${what}`)
}
