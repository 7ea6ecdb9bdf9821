/** What processes that were killed left in a run's folder. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LOCK_NAME } from '../files/lock.js'
import { recoverFolder, settle } from '../files/replace-folder.js'
import { CLAIM } from './claim.js'
import { ADAPTERS, AVERAGES, CHECKPOINTS, ENTRIES, WEIGHTS } from './run-names.js'

/** As atomic writes, saves and locks call what is not finished. */
const UNFINISHED = /^\.(.+)\.[0-9a-f]{12}\.tmp$/
const PREVIOUS = /^\.(.+)\.previous$/

/** Whether this belongs to no run that is whole: half a file, or a lock. */
export function isLeftover(name: string): boolean {
  return UNFINISHED.test(name) || name === LOCK_NAME || name.startsWith(`${LOCK_NAME}.`)
}

/**
 * Removes what is not finished, and puts back what a swap had left aside. Nobody else may write into the folder.
 * @throws ClipwrightError ERR_IO; the file system's errors
 */
export async function removeLeftovers(run: string): Promise<void> {
  for (const name of await readdir(run)) {
    const of = UNFINISHED.exec(name)?.[1]
    if (of !== undefined && ENTRIES.includes(of)) await remove(run, name)
  }
  for (const part of [CHECKPOINTS, WEIGHTS, AVERAGES, ADAPTERS]) {
    const folder = join(run, part)
    if (!existsSync(folder)) continue
    for (const name of await readdir(folder)) {
      const kept = PREVIOUS.exec(name)?.[1]
      if (UNFINISHED.test(name)) await remove(folder, name)
      else if (kept !== undefined && existsSync(join(folder, kept))) await settle(join(folder, kept), CLAIM)
      else if (kept !== undefined) await recoverFolder(join(folder, kept))
    }
  }
}

function remove(folder: string, name: string): Promise<void> {
  return rm(join(folder, name), { recursive: true, force: true })
}
