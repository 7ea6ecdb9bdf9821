/** Saving a run and what else is kept of it. */
import { copyFile, link, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CONFIG_NAME } from '../checkpoint/layouts/open-clip/folder.js'
import type { Clip } from '../clip/clip.js'
import { saveModel } from '../clip/save.js'
import { replaceFolder } from '../files/replace-folder.js'
import type { Optimizer } from '../optim/optimizer.js'
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
  const also = async (aside: string) => {
    state.weights = await digestOf(aside)
    await writeState(aside, state, optimizer)
  }
  await saveModel(clip, path, {}, { still: true, also })
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
  await replaceFolder(path, CONFIG_NAME, async (aside) => {
    for (const file of await readdir(from)) await share(join(from, file), join(aside, file))
  })
}

export function stepName(step: number): string {
  return `step-${step}`
}

/** Removes the oldest of the `step-N` beyond `keep`. */
export async function removeOldSteps(folder: RunFolder, keep: number): Promise<void> {
  const steps = (await folder.checkpoints()).flatMap((name) => STEP.exec(name)?.[1] ?? []).map(Number)
  for (const old of steps.sort((a, b) => b - a).slice(keep)) {
    await rm(folder.checkpoint(stepName(old)), { recursive: true, force: true })
  }
}

async function share(from: string, to: string): Promise<void> {
  // Not every file system has hard links.
  await link(from, to).catch(() => copyFile(from, to))
}
