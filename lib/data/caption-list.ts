/** Caption lists as JSON: `[{ "image": path, "caption": string | string[] }]`, paths relative to the list's folder. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ClipwrightError } from '../errors.js'
import { parseJson } from '../json.js'

export type CaptionedImage = {
  /** Absolute path. */
  image: string
  /** At least one, none empty. */
  captions: string[]
}

export type CaptionList = { path: string; items: CaptionedImage[] }

/**
 * Reads and checks a caption list.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_FORMAT when it is not JSON, ERR_DATA when its
 * entries are not what they should be; the entry is named by its number, counted from 0.
 */
export async function readCaptionList(path: string): Promise<CaptionList> {
  return { path, items: parseEntries(path, parseJson(await readText(path), path)) }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ClipwrightError(
      missing ? 'ERR_NOT_FOUND' : 'ERR_IO',
      missing
        ? `expected a caption list at ${path}, but there is no such file; give the path of a JSON file [{ "image", "caption" }]`
        : `could not read the caption list ${path}: ${(cause as Error).message}`,
      { cause },
    )
  }
}

function parseEntries(path: string, json: unknown): CaptionedImage[] {
  if (!Array.isArray(json))
    throw new ClipwrightError(
      'ERR_DATA',
      `expected a JSON array of { "image", "caption" } in ${path}, got ${kindOf(json)}`,
    )
  if (json.length === 0)
    throw new ClipwrightError(
      'ERR_DATA',
      `the caption list ${path} is empty; it needs at least one { "image", "caption" }`,
    )
  const folder = dirname(resolve(path))
  return json.map((entry, i) => parseEntry(path, folder, entry, i))
}

function parseEntry(path: string, folder: string, entry: unknown, i: number): CaptionedImage {
  const fail = (what: string): never => {
    throw new ClipwrightError('ERR_DATA', `entry ${i} of ${path}: ${what}`)
  }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return fail(`expected { "image", "caption" }, got ${kindOf(entry)}`)
  const { image, caption } = entry as Record<string, unknown>
  if (typeof image !== 'string' || image === '') return fail(`expected a path in "image", got ${kindOf(image)}`)
  const captions = typeof caption === 'string' ? [caption] : caption
  if (!Array.isArray(captions) || captions.length === 0 || captions.some((c) => typeof c !== 'string'))
    return fail(`expected a string or a list of strings in "caption", got ${kindOf(caption)}`)
  if (captions.some((c) => c.trim() === '')) return fail('a caption is empty; remove it or say what the picture shows')
  return { image: resolve(folder, image), captions: captions as string[] }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' ? 'an object' : `${typeof value} ${JSON.stringify(value)}`
}
