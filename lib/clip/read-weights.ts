/** From stored weights into a model that was just built. */
import { ClipwrightError } from '../base/errors.js'
import type { StoredTensors, TensorInfo } from '../checkpoint/formats/safetensors/safetensors.js'
import { activationNote } from '../checkpoint/layouts/openai/activation.js'
import { type LoadManner, loadWeights } from '../checkpoint/load.js'
import { describeLoad, type LoadReport } from '../checkpoint/load-report.js'
import type { ModelConfig } from '../models/config.js'
import type { ModelSession } from './session.js'

export type ReadOptions = {
  manner: LoadManner
  /** Draws the values that are left out. */
  seed: number
  /** Is told of them; a process warning by default. */
  onReport?: ((report: LoadReport) => void) | undefined
}

/** @throws ClipwrightError ERR_UNSUPPORTED where weights of 8 bits should be trained, and what `loadWeights` throws */
export async function readWeights(
  session: ModelSession,
  config: ModelConfig,
  weights: StoredTensors,
  { manner, seed, onReport = warn }: ReadOptions,
): Promise<void> {
  const scaled = [...weights.entries.values()].some((entry) => entry.scaled)
  if (scaled && session.trainable) {
    const message = `${weights.path}: these weights are rounded to 8 bits, which is for encoding: load them with precision: 'int8' or trainable: false, and train those that they were made of.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  if (manner !== 'strict') await session.call((native) => native.initialize(seed))
  const note = activationNote(weights.entries, session.model, weights.path)
  if (note) process.emitWarning(note, { code: 'CLIPWRIGHT_ACTIVATION' })
  // Of weights in 8 bits those that are not were kept from it.
  const begin = (index: number, stored: TensorInfo) =>
    session.call((native) => native.setRounded(index, stored.scaled === true))
  const report = await loadWeights(
    weights,
    config,
    session.own,
    manner,
    (index, values, first) =>
      session.call((native) =>
        native.write({ index, slot: 'value', first, count: values.length, data: values, inPlace: true }),
      ),
    scaled ? begin : undefined,
  )
  if (manner !== 'strict') onReport(report)
  else if (report.resized) sayResized(report)
}

function warn(report: LoadReport): void {
  const { missing, mismatched, unexpected, resized = [] } = report
  if (missing.length + mismatched.length + unexpected.length + resized.length === 0) return
  process.emitWarning(describeLoad(report), { code: 'CLIPWRIGHT_PARTIAL_WEIGHTS' })
}

function sayResized({ path, resized = [] }: LoadReport): void {
  process.emitWarning(`${path}: ${resized.join('; ')}, as open_clip does.`, { code: 'CLIPWRIGHT_RESIZED_POSITIONS' })
}
