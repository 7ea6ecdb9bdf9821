/** Caption lists: a JSON array of `{ "image": path, "caption": string | string[] }`, paths relative to the list. */
import { dirname, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { kindOf } from '../checks.js'
import { ListedSource } from '../listed.js'
import { refuseSplit, sampleOf } from '../rows.js'
import type { Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

export const list: SourceKind = {
  takes: 'a caption list [{ "image", "caption" }]',
  fits: ({ isFolder }) => !isFolder,
  async open(candidate, options) {
    const { path } = candidate
    const json = await candidate.json()
    refuseSplit(path, options.split, 'a caption list')
    return new ListedSource({ path, format: 'list', protocol: 'any', items: parse(path, json, options) })
  },
}

function parse(path: string, json: unknown, options: SourceOptions): Sample[] {
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
  return json.map((entry, i) => sampleOf(entry, `entry ${i} of ${path}`, folder, options))
}
