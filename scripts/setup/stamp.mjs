// Stamps: a step is skipped when the hash of its inputs is the one that its last success left behind.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Hash of files and folders (walked, sorted) and of any further values. */
export function hashOf(paths, ...values) {
  const hash = createHash('sha256')
  for (const path of paths) for (const file of filesUnder(path)) hash.update(`${file}\0`).update(readFileSync(file))
  return hash.update(JSON.stringify(values)).digest('hex')
}

/** All files under a path, sorted; the path itself when it is a file; none when it does not exist. */
export function filesUnder(path) {
  if (!existsSync(path)) return []
  const entries = readdirSyncOrFile(path)
  if (!entries) return [path]
  return entries.flatMap((entry) => filesUnder(join(path, entry.name)))
}

function readdirSyncOrFile(path) {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Whether `hash` is what the stamp file says. */
export function isStamped(stampFile, hash) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash
}

/** Runs the step unless `hash` is what the stamp file says; writes the stamp after success only. Returns whether it ran. */
export async function oncePerHash(stampFile, hash, step) {
  if (isStamped(stampFile, hash)) return false
  rmSync(stampFile, { force: true })
  await step()
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, hash)
  return true
}
