// The library's models as lines of text for programs without Node: native/bench/model_file.h says how they are read.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../setup/command.mjs'

const tiny = 'ViT-tiny-test' // not listed: for rehearsals
const hostOnly = new Set(['padId']) // what the core is not told

/** One line for each model that is known by name. Needs the built library. */
export async function modelLines() {
  const from = (path) => import(pathToFileURL(join(root, 'dist', path)).href)
  const [{ describeModel, listModels }, { resolveModel }] = await Promise.all([
    from('models/registry.js'),
    from('models/resolve.js'),
  ])
  const lines = [...listModels(), tiny].map((name) => {
    const { config, preprocess } = describeModel(name)
    return modelLine(name, resolveModel(config, preprocess, name))
  })
  return `${lines.join('\n')}\n`
}

/** `model`: a resolved one. */
export function modelLine(name, model) {
  return [name, ...fields(model)].join(' ')
}

function fields(value, path = '') {
  if (typeof value === 'boolean') return [`${path}=${Number(value)}`]
  if (typeof value !== 'object') return [`${path}=${value}`]
  return Object.entries(value)
    .filter(([key]) => !hostOnly.has(key))
    .flatMap(([key, item]) => fields(item, path ? `${path}.${snake(key)}` : snake(key)))
}

const snake = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
