/** Which folders a new run may take. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { invalid } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { readWholeText } from '../files/read-whole.js'
import { isLeftover } from './leftovers.js'
import { CHECKPOINTS, CONFIG, ENTRIES, GROWING } from './run-names.js'

/**
 * A folder that is empty, or holds no more than the beginning of a run that was ended in its first moments, is free.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when something is there that must stay; the file system's errors
 */
export async function requireRoom(path: string, overwrite: boolean): Promise<void> {
  if (!existsSync(path)) return
  const isFolder = (await stat(path)).isDirectory()
  const found = isFolder ? (await readdir(path)).filter((name) => !isLeftover(name)) : []
  if (isFolder && found.length === 0) return
  if (!isFolder || !(await isRun(path, found))) {
    throw invalid(`train: ${optionName('out')}: ${path} exists and is not a run folder; choose a path that is free`)
  }
  if (overwrite || (await hasNotBegun(path, found))) return
  throw invalid(
    `train: ${optionName('out')}: there is a run in ${path} already; go on with it (${optionName('resume', '"resume"')}), replace it (${optionName('overwrite', '"overwrite"')}), or choose another path`,
  )
}

async function isRun(path: string, found: string[]): Promise<boolean> {
  if (!found.includes(CONFIG)) return false
  return found.includes(GROWING.log) || holdsRunOptions(await readWholeText(join(path, CONFIG)))
}

/** Models, too, have a config.json. */
function holdsRunOptions(text: string): boolean {
  try {
    const options = JSON.parse(text)
    return ['epochs', 'batchSize', 'seed'].every((key) => typeof options[key] === 'number')
  } catch {
    return false
  }
}

/** Nothing in it but what a run makes, and neither a step nor a checkpoint. */
async function hasNotBegun(path: string, found: string[]): Promise<boolean> {
  if (found.some((name) => !ENTRIES.includes(name))) return false
  const saved = found.includes(CHECKPOINTS) ? await readdir(join(path, CHECKPOINTS)) : []
  if (saved.some((name) => !isLeftover(name))) return false
  return !found.includes(GROWING.log) || !(await readWholeText(join(path, GROWING.log))).includes('"type":"step"')
}
