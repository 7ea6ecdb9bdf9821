/** Caption lists with an entry in each line: `{ "image": path, "caption": string | string[] }`, as lists have them. */
import { dirname, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { parseExactJson } from '../../files/exact-json.js'
import { ListedSource } from '../listed.js'
import { refuseSplit, sampleOf } from '../rows.js'
import type { Sample } from '../source.js'
import type { SourceKind } from '../source-kind.js'

export const jsonLines: SourceKind = {
  takes: 'JSON Lines of { "image", "caption" }',
  async fits(candidate) {
    if (candidate.isFolder) return false
    if (/\.(jsonl|ndjson)$/i.test(candidate.path)) return true
    // A JSON file may hold one object; a second in a line of its own makes it another kind of file.
    const [first = '', second = ''] = await candidate.firstLines(2)
    return first.startsWith('{') && first.endsWith('}') && second.startsWith('{')
  },
  async open(candidate, options) {
    const { path } = candidate
    refuseSplit(path, options.split, 'a list of JSON Lines')
    const folder = dirname(resolve(path))
    const items: Sample[] = []
    for (const [i, line] of (await candidate.text()).split('\n').entries()) {
      if (line.trim() === '') continue
      const where = `line ${i + 1} of ${path}`
      items.push(sampleOf(parseExactJson(line, where), where, folder, options))
    }
    if (items.length === 0)
      throw new ClipwrightError('ERR_DATA', `${path} is empty; it needs a { "image", "caption" } per line`)
    return new ListedSource({ path, format: 'jsonl', protocol: 'any', items })
  },
}
