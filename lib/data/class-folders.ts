/** Pictures sorted into a folder for each class, as torchvision's ImageFolder has them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { exists } from '../files/exists.js'
import { parseJson } from '../files/json.js'
import { readTextFile } from '../files/text.js'
import { findImages } from '../image/find-images.js'

/** Beside the folders: what their classes are called. */
export const CLASSES_NAME = 'classes.json'

export type ClassFolders = {
  path: string
  /** In the order of the folders' names. */
  classes: {
    folder: string
    name: string
    /** Paths of the pictures in it and below, sorted. */
    images: string[]
  }[]
  /** Whether `classes.json` gave the names. */
  named: boolean
}

const Names = z.record(z.string(), z.string().trim().min(1))

/**
 * The folders in a folder. A class is called as its folder is, with spaces for underscores, or as `classes.json` maps it.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_DATA for a folder without classes, or naming classes without pictures or
 *   names; ERR_FORMAT for a `classes.json` that is none
 */
export async function readClassFolders(path: string): Promise<ClassFolders> {
  const folders = await foldersIn(path)
  if (folders.length === 0) {
    throw new ClipwrightError('ERR_DATA', `${path} has no folders in it; expected one of pictures for each class.`)
  }
  const names = await namesIn(path, folders)
  const classes: ClassFolders['classes'] = []
  const empty: string[] = []
  for (const folder of folders) {
    const images = await picturesIn(join(path, folder))
    if (images.length === 0) empty.push(folder)
    classes.push({ folder, name: names?.[folder] ?? folder.replaceAll('_', ' ').trim(), images })
  }
  if (empty.length > 0) {
    const what = empty.length === 1 ? 'the class folder' : 'the class folders'
    throw new ClipwrightError(
      'ERR_DATA',
      `${path}: there is no picture in ${what} ${some(empty)}; fill or remove ${empty.length === 1 ? 'it' : 'them'}.`,
    )
  }
  return { path, classes, named: names !== undefined }
}

async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    // A link may lead to a folder, which is found when its pictures are.
    const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    return folders
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('.'))
      .sort()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new ClipwrightError('ERR_NOT_FOUND', `There is no folder ${path}; check the path.`, { cause })
    }
    if (code === 'ENOTDIR') {
      throw new ClipwrightError('ERR_DATA', `${path} is a file; expected a folder with one of pictures for each class.`)
    }
    throw new ClipwrightError('ERR_IO', `${path} could not be read (${message}).`, { cause })
  }
}

async function picturesIn(folder: string): Promise<string[]> {
  try {
    return await findImages([folder])
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_NOT_FOUND') return []
    throw error
  }
}

async function namesIn(path: string, folders: readonly string[]): Promise<Record<string, string> | undefined> {
  const file = join(path, CLASSES_NAME)
  if (!(await exists(file))) return undefined
  const value = parseJson(await readTextFile(file, (reason) => `${file} could not be read (${reason}).`), file)
  const parsed = Names.safeParse(value)
  if (!parsed.success) {
    throw new ClipwrightError(
      'ERR_FORMAT',
      `${file}: expected an object of class names by folder, as in { "n01440764": "tench" }.`,
      { cause: parsed.error },
    )
  }
  const known = new Map(Object.entries(parsed.data))
  const nameless = folders.filter((folder) => !known.has(folder))
  if (nameless.length > 0) throw new ClipwrightError('ERR_DATA', `${file} has no name for ${some(nameless)}.`)
  const absent = [...known.keys()].filter((folder) => !folders.includes(folder))
  if (absent.length > 0) {
    throw new ClipwrightError('ERR_DATA', `${file} names ${some(absent)}, but ${path} has no such folder.`)
  }
  return Object.fromEntries(known)
}
