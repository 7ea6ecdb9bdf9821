/** Whether a run that goes on still is the run that it was. */

import { cpus } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { counted } from '../base/counted.js'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import type { DataSource } from '../data/source.js'
import { native } from '../native/addon.js'
import { stillBad } from './bad-samples.js'
import type { Note } from './events.js'
import type { TrainingState } from './state.js'

/** A run that has gone further than it shall go cannot end there: its weights are later ones. */
export function checkEpochs(epochs: number, { epoch, position }: TrainingState['cursor']): void {
  const begun = epoch + (position > 0 ? 1 : 0)
  if (epochs >= begun) return
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `train: ${optionName('epochs')}: the run is in its epoch ${begun} already or past it, so expected at least ${begun}, got ${epochs}.`,
  )
}

/** A schedule needs an end. */
export function pairsOf({ size, path }: DataSource): number {
  if (size !== undefined) return size
  throw new ClipwrightError(
    'ERR_DATA',
    `train: ${path} does not say how many pictures it holds, which the schedule needs.`,
  )
}

/** A run knows its data by what they are, not by where they lay. */
export function withWayToMove(error: unknown): unknown {
  if (!(error instanceof ClipwrightError) || error.code !== 'ERR_NOT_FOUND') return error
  const message = `train: ${error.message} Where the data have moved, resume with their new path in ${optionName('data', '"data"')}.`
  return new ClipwrightError('ERR_NOT_FOUND', message, { cause: error })
}

/** @throws ClipwrightError ERR_DATA when the training list is another one */
export function checkSameData(path: string, before: TrainingState['data'], now: TrainingState['data']): void {
  if (before.sha256 === now.sha256) return
  throw new ClipwrightError(
    'ERR_DATA',
    `train: the training list ${path} changed since the run began (${before.pairs} pictures then, ${now.pairs} now), so the run cannot go on; start a new one with ${optionName('load', '"load"')}.`,
  )
}

/** What bits depend on beside the options. */
export async function describeMachine(clip: Clip): Promise<string> {
  const { isa, onednn } = native().info()
  const threads = await sessionOf(clip, 'train').call(async (session) => session.threads)
  return `${clip.device}, ${clip.precision}, ${threads} threads, ${cpus()[0]?.model}, ${isa}, oneDNN ${onednn}`
}

/** Why a run on this machine is not the uninterrupted one. */
export function changedMachine(before: string, now: string): string[] {
  return before === now ? [] : [`machine (${before} before, ${now} now)`]
}

/** `best` compares on one validation list: with another, it starts anew. @returns what is to be said of that */
export function renewBest(state: TrainingState, now: TrainingState['val']): Note[] {
  const before = state.val
  state.val = now
  if (before === undefined || isDeepStrictEqual(before, now)) return []
  state.best = null
  const message =
    'the validation list is not the one that this run had before, so that its numbers do not compare with earlier ones; the best checkpoint is looked for anew.'
  return [{ code: 'validation_changed', message }]
}

/** Pictures that were repaired count again. @returns what is to be said of that */
export async function renewBadSamples(state: TrainingState, source: DataSource, workers: number): Promise<Note[]> {
  const before = state.badSamples
  state.badSamples = await stillBad(source, before, workers)
  const repaired = before.length - state.badSamples.length
  if (repaired === 0) return []
  const many = counted(repaired, 'picture')
  const message = `${many} of the ${before.length} that could not be read before can be read now, and ${repaired === 1 ? 'is' : 'are'} trained on again.`
  return [{ code: 'repaired_samples', message }]
}
