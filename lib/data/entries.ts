/** Sets of captioned pictures, and what their readers share. */
import { isAbsolute, relative, resolve } from 'node:path'

export type CaptionedImage = {
  /** Absolute path, or an entry of a file of pictures (see lib/image/source.ts). */
  image: string
  /** At least one, none empty. */
  captions: string[]
}

/** A caption and all pictures that it belongs to, by their positions in `items`. */
export type SharedCaption = { caption: string; items: number[] }

export type DataFormat = 'list' | 'karpathy' | 'muge'

export type CaptionList = {
  /** The file that names the captions. */
  path: string
  items: CaptionedImage[]
  format: DataFormat
  /** Of formats that hold several parts. */
  split?: string
  /** Each caption once, where captions may belong to several pictures. */
  shared?: SharedCaption[]
  /** Pictures without captions that are searched besides. */
  distractors?: string[]
}

export type ReadOptions = {
  /** The part of the data, where the format has parts; `use` by default. */
  split?: string | undefined
  use?: 'train' | 'val' | 'test'
  /** Whether pictures may lie outside the list's folder; false by default. */
  absolutePaths?: boolean | undefined
}

/** A value of a JSON file, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' ? 'an object' : `${typeof value} ${JSON.stringify(value)}`
}

/** A picture's absolute path; `fail` is called when it lies outside the folder and must not. */
export function picturePath(
  folder: string,
  image: string,
  absolutePaths: boolean,
  fail: (what: string) => never,
): string {
  const path = resolve(folder, image)
  if (absolutePaths) return path
  const inside = relative(folder, path)
  if (inside === '..' || inside.startsWith('../') || inside.startsWith('..\\') || isAbsolute(inside))
    return fail(
      `${JSON.stringify(image)} lies outside the list's folder ${folder}; move the list, or allow such paths with absolutePaths (--absolute-paths)`,
    )
  return path
}
