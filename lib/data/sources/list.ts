/** Caption lists: a JSON array of `{ "image": path, "caption": string | string[] }`, paths relative to the list. */
import { dirname, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { kindOf, picturePath } from '../checks.js'
import { ListedSource } from '../listed.js'
import type { Sample } from '../source.js'
import type { SourceKind } from '../source-kind.js'

export const list: SourceKind = {
  takes: 'a caption list [{ "image", "caption" }]',
  fits: ({ isFolder }) => !isFolder,
  async open(candidate, { split, absolutePaths = false }) {
    const { path } = candidate
    const json = await candidate.json()
    if (split !== undefined)
      throw new ClipwrightError('ERR_DATA', `${path} is a caption list, which has no splits; leave --split away`)
    return new ListedSource({ path, format: 'list', protocol: 'flickr', items: parse(path, json, absolutePaths) })
  },
}

function parse(path: string, json: unknown, absolutePaths: boolean): Sample[] {
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

function parseEntry(path: string, folder: string, entry: unknown, i: number, absolutePaths: boolean): Sample {
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
