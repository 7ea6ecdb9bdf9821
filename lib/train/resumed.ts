/** What a run that goes on finds in its folder, and whether it still is the run that it was. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { recoverFolder } from '../files/replace-folder.js'
import { native } from '../native/addon.js'
import type { OptimizerState } from '../optim/optimizer.js'
import { LAST } from './checkpoints.js'
import { readState, type TrainingState } from './state.js'

export type Resumed = { state: TrainingState; optimizer: OptimizerState }

/** @throws ClipwrightError ERR_NOT_FOUND when there is no checkpoint, ERR_FORMAT, ERR_IO */
export async function readLast(run: string): Promise<Resumed> {
  const last = lastOf(run)
  await recoverFolder(last)
  try {
    return await readState(last)
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_NOT_FOUND') throw error
    throw new ClipwrightError(
      'ERR_NOT_FOUND',
      `${run} has no checkpoint to resume from: it ended before its first; start it again with the same options.`,
      {
        cause: error,
      },
    )
  }
}

/** The folder of the checkpoint that a run goes on from. */
export function lastOf(run: string): string {
  return resolve(run, 'checkpoints', LAST)
}

/** A run that has gone further than it shall go cannot end there: its weights are later ones. */
export function checkEpochs(epochs: number, { epoch, position }: TrainingState['cursor']): void {
  const begun = epoch + (position > 0 ? 1 : 0)
  if (epochs >= begun) return
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `train: ${optionName('epochs')}: the run is in its epoch ${begun} already or past it, so expected at least ${begun}, got ${epochs}.`,
  )
}

/** Of a list's file, to notice when it changes. */
export async function fingerprint(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
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
