/**
 * Sets of captioned pictures, whatever their file looks like: caption lists, Karpathy's JSON of Flickr8k, Flickr30k and
 * COCO, and Chinese-CLIP's texts with their pictures.
 */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { parseJson } from '../files/json.js'
import { readTextFile } from '../files/text.js'
import { type CaptionedImage, type CaptionList, kindOf, picturePath, type ReadOptions } from './entries.js'
import { isKarpathy, parseKarpathy } from './sources/karpathy.js'
import { findTexts, readMuge } from './sources/muge.js'

export type { CaptionedImage, CaptionList, DataFormat, ReadOptions, SharedCaption } from './entries.js'

/**
 * Reads and checks a set of captioned pictures.
 *
 * - `[{ "image": path, "caption": string | string[] }]`, paths relative to the list's folder
 * - Karpathy's `{ "images": [{ "filename", "split", "sentences": [{ "raw" }] }] }`
 * - Chinese-CLIP's `SPLIT_texts.jsonl`, or the folder it lies in, with `SPLIT_imgs.tsv` or a folder of pictures beside it
 *
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_FORMAT when it is not JSON, ERR_DATA when its
 * entries are not what they should be or a picture lies outside the folder; the entry is named by its number from 0.
 */
export async function readCaptionList(path: string, options: ReadOptions = {}): Promise<CaptionList> {
  const split = options.split ?? options.use ?? 'train'
  const texts = await mugeTexts(path, split, options.split !== undefined)
  if (texts !== undefined) return readMuge(texts)
  const json = parseJson(await readList(path), path)
  if (isKarpathy(json)) return parseKarpathy(path, json, split, options)
  if (options.split !== undefined)
    throw new ClipwrightError('ERR_DATA', `${path} is a caption list, which has no splits; leave --split away`)
  return { path, items: parseEntries(path, json, options.absolutePaths ?? false), format: 'list' }
}

/** The file of texts where the path is one, or a folder that holds one. */
async function mugeTexts(path: string, split: string, asked: boolean): Promise<string | undefined> {
  if (path.endsWith('.jsonl')) return path
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return folder ? findTexts(path, split, asked) : undefined
}

function readList(path: string): Promise<string> {
  return readTextFile(path, (reason, missing) =>
    missing
      ? `expected a caption list at ${path}, but there is no such file; give the path of a JSON file [{ "image", "caption" }]`
      : `could not read the caption list ${path}: ${reason}`,
  )
}

function parseEntries(path: string, json: unknown, absolutePaths: boolean): CaptionedImage[] {
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
  return json.map((entry, i) => parseEntry(path, folder, entry, i, absolutePaths))
}

function parseEntry(path: string, folder: string, entry: unknown, i: number, absolutePaths: boolean): CaptionedImage {
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
  return { image: picturePath(folder, image, absolutePaths, fail), captions: captions as string[] }
}
