/** Caption lists: a JSON array of `{ "image": path, "caption": string | string[] }`, paths relative to the list. */
import { isUtf8 } from 'node:buffer'
import { dirname, resolve, sep } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { jsonElements } from '../../files/byte-pieces.js'
import { parseExactJson } from '../../files/exact-json.js'
import { kindOf } from '../checks.js'
import { entryName } from '../entry-name.js'
import { entryOr, Faults } from '../faults.js'
import { ListedSource } from '../listed.js'
import { refuseSplit, sampleOf } from '../rows.js'
import { SampleStore } from '../sample-store.js'
import type { Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

export const list: SourceKind = {
  takes: 'a caption list [{ "image", "caption" }]',
  fits: ({ isFolder }) => !isFolder,
  async open(candidate, options) {
    const { path } = candidate
    const inParts = (await candidate.beginsWithList()) ? await parseInParts(path, options) : undefined
    const items = inParts ?? parse(path, await candidate.json(), options)
    refuseSplit(path, options.split, 'a caption list')
    return new ListedSource({ path, format: 'list', protocol: 'any', items })
  },
}

/** Entry by entry; undefined where the file is not as expected, which is said of the whole. @throws ClipwrightError ERR_DATA */
async function parseInParts(path: string, options: SourceOptions): Promise<SampleStore | undefined> {
  const folder = dirname(resolve(path))
  const items = new SampleStore(`${folder}${sep}`)
  const faults = options.faults && new Faults()
  let number = 0
  try {
    for await (const bytes of jsonElements(path)) {
      if (!isUtf8(bytes)) return undefined
      const where = entryName(number++, path)
      const entry = parseExactJson(bytes.toString(), where)
      const sample = entryOr(faults, where, () => sampleOf(entry, where, folder, options))
      if (sample) items.add(sample)
    }
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_DATA') throw error
    return undefined
  }
  if (items.length === 0) return undefined
  if (faults) options.faults?.join(faults)
  return items
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
  return json.flatMap((entry, i) => {
    const where = entryName(i, path)
    return entryOr(options.faults, where, () => sampleOf(entry, where, folder, options)) ?? []
  })
}
