/** Rows of lists and tables: a picture, its caption or captions, and perhaps the picture's id. */
import { ClipwrightError } from '../base/errors.js'
import { EmptyCaption } from './caption-text.js'
import { kindOf, picturePath } from './checks.js'
import { idOf } from './ids.js'
import type { PathSample } from './sample-store.js'
import type { SourceOptions } from './source.js'

/** What the columns are called when nobody says; the first that is there. */
const IMAGE_KEYS = ['image', 'filepath']
const CAPTION_KEYS = ['caption', 'title']
const ID_KEY = 'image_id'

export type Keys = { image: string; caption: string }

/** The columns of a table or the keys of an entry that hold the picture and its caption. */
export function keysOf(present: (key: string) => boolean, { imageKey, captionKey }: SourceOptions): Keys {
  return {
    image: imageKey ?? IMAGE_KEYS.find(present) ?? IMAGE_KEYS[0]!,
    caption: captionKey ?? CAPTION_KEYS.find(present) ?? CAPTION_KEYS[0]!,
  }
}

/** What can be done where columns have other names. */
export const KEYS_REMEDY = 'name the columns with imageKey and captionKey (--image-key, --caption-key)'

/**
 * @param where names the row in messages: `entry 3 of list.json`
 * @param folder what relative paths begin at
 * @throws ClipwrightError ERR_DATA
 */
export function sampleOf(row: unknown, where: string, folder: string, o: SourceOptions): PathSample {
  const fail = (what: string, cause?: Error): never => {
    throw new ClipwrightError('ERR_DATA', `${where}: ${what}`, { cause })
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    return fail(`expected { "image", "caption" }, got ${kindOf(row)}`)
  const values = row as Record<string, unknown>
  const keys = keysOf((key) => Object.hasOwn(values, key), o)
  const [image, caption] = [values[keys.image], values[keys.caption]]
  if (typeof image !== 'string' || image.trim() === '')
    return fail(`expected a path in "${keys.image}", got ${kindOf(image)}`)
  const captions = typeof caption === 'string' ? [caption] : caption
  if (!Array.isArray(captions) || captions.length === 0 || captions.some((c) => typeof c !== 'string'))
    return fail(`expected a string or a list of strings in "${keys.caption}", got ${kindOf(caption)}`)
  if (captions.some((c) => c.trim() === ''))
    return fail('a caption is empty; remove it or say what the picture shows', new EmptyCaption())
  const path = picturePath(folder, image, o.absolutePaths ?? false, fail)
  const id = idOf(values[ID_KEY])
  return { image: path, captions: captions as string[], ...(id !== undefined && { id }) }
}

/** @throws ClipwrightError ERR_DATA when a part is asked for of what has none */
export function refuseSplit(path: string, split: string | undefined, what: string): void {
  if (split === undefined) return
  throw new ClipwrightError('ERR_DATA', `${path} is ${what}, which has no splits; leave --split away`)
}
