/** Which of the built-in models a file's tensors could be, by their shapes: for messages, never to load by. */
import { builtInNames, describeModel } from '../models/registry.js'
import { resolveModel } from '../models/resolve.js'
import { native } from '../native/addon.js'
import type { TensorInfo } from './formats/safetensors/safetensors.js'
import { recogniseLayout } from './layouts/table.js'
import { matchTensors } from './match.js'

/** Names of the models that these tensors are, whole; quick GELU and GELU have the same shapes. */
export function fittingModels(entries: ReadonlyMap<string, TensorInfo>): string[] {
  return builtInNames().filter((name) => {
    const { config, preprocess } = describeModel(name)
    const parameters = native().parametersOf(resolveModel(config, preprocess, name))
    const { fits, missing, extra, wrong } = matchTensors(
      parameters,
      entries,
      recogniseLayout(parameters, entries, config).names,
    )
    const resized = fits.filter(({ resizing }) => resizing)
    return missing.length + extra.length + wrong.length + resized.length === 0
  })
}
