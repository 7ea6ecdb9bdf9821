/** A model's weights from a file to where its products read them. */
import { ClipwrightError } from '../base/errors.js'
import type { StoredTensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { activationNote } from '../checkpoint/layouts/openai/activation.js'
import { type LoadManner, loadWeights, type WeightSink } from '../checkpoint/load.js'
import { describeLoad, type LoadReport } from '../checkpoint/load-report.js'
import type { ModelConfig } from '../models/config.js'
import type { ModelSession } from './session.js'

export type ReadManner = {
  manner: LoadManner
  /** Draws the values that are left out. */
  seed: number
  /** Is told of them; a process warning by default. */
  onReport?: ((report: LoadReport) => void) | undefined
}

/**
 * The core reads what it can itself; until this returns at its first wait, all of that is queued.
 * @param weights stay open until this resolves
 * @throws ClipwrightError ERR_UNSUPPORTED, ERR_MISMATCH, ERR_FORMAT when the file was cut meanwhile, ERR_IO, ERR_DISPOSED
 */
export async function readWeights(
  session: ModelSession,
  config: ModelConfig,
  weights: StoredTensors,
  { manner, seed, onReport = warn }: ReadManner,
): Promise<void> {
  const scaled = [...weights.entries.values()].some((entry) => entry.scaled)
  if (scaled && session.trainable) {
    const message = `${weights.path}: these weights are rounded to 8 bits, which is for encoding: load them with precision: 'int8' or trainable: false, and train those that they were made of.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  if (manner !== 'strict') await session.call((native) => native.initialize(seed))
  const note = activationNote(weights.entries, session.model, weights.path)
  if (note) process.emitWarning(note, { code: 'CLIPWRIGHT_ACTIVATION' })
  const report = await loadWeights(weights, config, session.own, manner, sinkOf(session, scaled))
  if (manner !== 'strict') onReport(report)
  else if (report.resized) sayResized(report)
}

function sinkOf(session: ModelSession, scaled: boolean): WeightSink {
  return {
    // Of weights in 8 bits those that are not were kept from it.
    ...(scaled && {
      begin: (index, stored) => session.call((native) => native.setRounded(index, stored.scaled === true)),
    }),
    write: (index, data, first) =>
      session.call((native) => native.write({ index, slot: 'value', first, count: data.length, data, inPlace: true })),
    async copy(index, { file, position, dtype }, first, count) {
      const from = { file: file.descriptor, position, dtype }
      const failed = await session.call((native) => native.writeStored({ index, slot: 'value', first, count, ...from }))
      if (failed) throw file.readFailure(failed.position, failed.error)
    },
  }
}

function warn(report: LoadReport): void {
  const { missing, mismatched, unexpected, resized = [] } = report
  if (missing.length + mismatched.length + unexpected.length + resized.length === 0) return
  process.emitWarning(describeLoad(report), { code: 'CLIPWRIGHT_PARTIAL_WEIGHTS' })
}

function sayResized({ path, resized = [] }: LoadReport): void {
  process.emitWarning(`${path}: ${resized.join('; ')}, as open_clip does.`, { code: 'CLIPWRIGHT_RESIZED_POSITIONS' })
}
