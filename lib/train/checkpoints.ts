/** Saving a run and what else is kept of it. */
import { copyFile, link, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { STATE_NAME } from '../checkpoint/layouts/claim.js'
import type { Clip } from '../clip/clip.js'
import { saveModel } from '../clip/save.js'
import { removeOwn, replaceFolder } from '../files/replace-folder.js'
import type { Optimizer } from '../optim/optimizer.js'
import { CLAIM } from './claim.js'
import type { RunFolder } from './run-folder.js'
import { type TrainingState, writeState } from './state.js'
import { digestOf } from './weights-digest.js'

export const LAST = 'last'
export const BEST = 'best'
const STEP = /^step-(\d+)$/

/**
 * Saves model, optimizer and state as `checkpoints/last`; the earlier one stays until the new is complete. No step may
 * run meanwhile.
 * @throws ClipwrightError ERR_IO
 */
export async function saveLast(
  folder: RunFolder,
  clip: Clip,
  optimizer: Optimizer,
  state: TrainingState,
): Promise<string> {
  const path = folder.checkpoint(LAST)
  const write = async (aside: string) => {
    state.weights = await digestOf(aside)
    await writeState(aside, state, optimizer, clip)
  }
  await saveModel(clip, path, {}, { still: true, also: { files: [STATE_NAME], write } })
  return path
}

/** A second name for what `last` is now. Files of a checkpoint are replaced, never changed, so they can be shared. */
export async function keepLastAs(folder: RunFolder, name: string): Promise<string> {
  const path = folder.checkpoint(name)
  await keepAs(folder.checkpoint(LAST), path)
  return path
}

/** Gives a saved model a second name. */
export async function keepAs(from: string, path: string): Promise<void> {
  await replaceFolder(path, CLAIM, async (aside) => {
    const files = (await readdir(from)).filter((name) => CLAIM.own.includes(name))
    for (const file of files) await share(join(from, file), join(aside, file))
  })
}

export function stepName(step: number): string {
  return `step-${step}`
}

/** Removes the oldest of the `step-N` beyond `keep`. */
export async function removeOldSteps(folder: RunFolder, keep: number): Promise<void> {
  const steps = (await folder.checkpoints()).flatMap((name) => STEP.exec(name)?.[1] ?? []).map(Number)
  for (const old of steps.sort((a, b) => b - a).slice(keep)) {
    await removeSaved(folder.checkpoint(stepName(old)))
  }
}

/** Removes a saved model, and its folder when nothing else is in it. */
export async function removeSaved(path: string): Promise<void> {
  await removeOwn(path, CLAIM)
}

async function share(from: string, to: string): Promise<void> {
  // Not every file system has hard links.
  await link(from, to).catch(() => copyFile(from, to))
}
