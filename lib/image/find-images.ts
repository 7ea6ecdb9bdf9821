/** Pictures by name, by pattern and by folder. */
import { existsSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { checkTexts } from '../base/check-texts.js'
import { ClipwrightError } from '../base/errors.js'

/** What pictures in a folder are called, in any case. */
const ENDINGS = 'jpg,jpeg,jpe,jfif,png,webp,gif,tif,tiff,avif,bmp'
const PICTURES = `**/*.{${ENDINGS}}`
const PICTURE_NAME = new RegExp(`\\.(${ENDINGS.replaceAll(',', '|')})$`, 'i')

/**
 * Paths of pictures as they are; of a folder all pictures in it and below, by their names' endings; what patterns such as
 * `photos/2024-*.jpg` match. Those of one folder or pattern are sorted; hidden files are left out.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `patterns` is not a list of strings, ERR_NOT_FOUND for a pattern that no file matches, or a folder without pictures
 */
export async function findImages(patterns: readonly string[]): Promise<string[]> {
  checkTexts(patterns, 'findImages')
  const found: string[] = []
  for (const pattern of patterns) found.push(...(await imagesOf(pattern)))
  return found
}

async function imagesOf(pattern: string): Promise<string[]> {
  if (isFolder(pattern)) {
    const names = await glob(PICTURES, { cwd: pattern, caseSensitiveMatch: false })
    if (names.length > 0) return names.sort().map((name) => join(pattern, name))
    throw new ClipwrightError('ERR_NOT_FOUND', `There is no picture in the folder ${pattern}, nor below it.`)
  }
  // A shell hands over names that look like patterns: "cat[1].jpg".
  if (!isDynamicPattern(pattern) || existsSync(pattern)) return [pattern]
  const paths = await glob(pattern, { expandDirectories: false, absolute: isAbsolute(pattern) })
  if (paths.length > 0) return paths.sort()
  throw new ClipwrightError('ERR_NOT_FOUND', `No file matches ${pattern}; quote the pattern and check its folder.`)
}

/** Whether a file is called as pictures are. */
export function isPictureName(name: string): boolean {
  return PICTURE_NAME.test(name)
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
