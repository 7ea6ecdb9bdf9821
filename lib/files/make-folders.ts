import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isMissing } from './exists.js'

/**
 * A folder and those above it, where they are missing. Node's own recursive `mkdir` asks for ever below a folder that takes
 * none and says that it does not exist, as /proc does.
 */
export async function makeFolders(path: string): Promise<void> {
  const folder = resolve(path)
  const found = await stat(folder).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
  if (found?.isDirectory()) return
  if (!found && dirname(folder) !== folder) await makeFolders(dirname(folder))
  await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
    // Another process may have been faster.
    if (error.code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error
  })
}
