/** The small files of a Hugging Face folder. */
import { join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { writeAtomically } from '../../../files/atomic-write.js'
import { parseJson } from '../../../files/json.js'
import { readTextFile } from '../../../files/text.js'

/** Writes a text, or an object as JSON, under a name in one folder. */
export type FileWriter = (name: string, content: string | object) => Promise<void>

export function fileWriter(folder: string): FileWriter {
  return (name, content) => {
    const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`
    return writeAtomically(join(folder, name), (handle) => handle.writeFile(text))
  }
}

/** Undefined when there is no such file. @throws ClipwrightError ERR_IO */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, (reason) => `${path} could not be read (${reason}).`)
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_NOT_FOUND') return undefined
    throw error
  }
}

/** Undefined when there is no such file. @throws ClipwrightError ERR_FORMAT, ERR_IO */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  return text === undefined ? undefined : parseJson(text, path)
}
