/** Saving a run and what else is kept of it. */
import { createHash } from 'node:crypto'
import { copyFile, link, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpareArrays } from '../base/spare-arrays.js'
import { LEDGER_NAME, STATE_NAME } from '../checkpoint/layouts/claim.js'
import type { Clip } from '../clip/clip.js'
import { saveModel } from '../clip/save.js'
import { removeOwn, replaceFolder } from '../files/replace-folder.js'
import type { Optimizer } from '../optim/optimizer.js'
import { CLAIM } from './claim.js'
import type { Ledger } from './ledger.js'
import type { RunFolder } from './run-folder.js'
import { learnedOf, type TrainingState, writeState } from './state.js'
import { WEIGHTS_HASH } from './weights-digest.js'

export const LAST = 'last'
export const BEST = 'best'
/** The newest that `saveEvery` or an epoch's end made, and no interruption: where `onSpike` goes back to. */
export const REWIND = 'rewind'
const STEP = /^step-(\d+)$/

/** How a checkpoint is written while steps go on. */
export type Copied = {
  /** What the model and its optimizer hold is copied into. */
  into: SpareArrays
  /** As of `SaveManner`. */
  inspect(name: string, values: Float32Array): void
}

type Saved = { folder: RunFolder; clip: Clip; optimizer: Optimizer; ledger: Ledger | undefined }

/** `again`: once more, of what was copied. */
type Saving = { saved: Promise<string>; again(): Promise<string> }

/**
 * Saves model, optimizer and state as `checkpoints/last`; the earlier one stays until the new is complete. No step may
 * run until `saved` resolves, or, with `copied`, until this does.
 * @param state as it is to be saved; nobody else changes it
 * @throws ClipwrightError ERR_DISPOSED; `saved` ERR_IO, Displaced, and what `copied.inspect` throws
 */
export async function beginSave(
  { folder, clip, optimizer, ledger }: Saved,
  state: TrainingState,
  copied?: Copied,
): Promise<Saving> {
  const learned = await learnedOf(clip, optimizer, copied?.into)
  const costs = ledger?.taken()
  const write = async (aside: string, weights: string) => {
    await costs?.write(aside)
    // All that the state knows of the files that grow is on the disk before it.
    await folder.flush()
    await writeState(aside, { ...state, weights }, learned)
    await folder.requirePlace()
  }
  const save = async (again: boolean) => {
    const path = folder.checkpoint(LAST)
    const hash = createHash(WEIGHTS_HASH)
    const also = { files: [STATE_NAME, LEDGER_NAME], write: (aside: string) => write(aside, hash.digest('hex')) }
    const written = { watcher: hash, uncached: true }
    await saveModel(clip, path, {}, { ...(copied ? { ...copied, again } : { still: true }), also, written })
    return path
  }
  return { saved: save(false), again: () => save(true) }
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
