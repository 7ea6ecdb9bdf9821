/** Caption lists with an entry in each line: `{ "image": path, "caption": string | string[] }`, as lists have them. */
import { isUtf8 } from 'node:buffer'
import { dirname, resolve, sep } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { linesOf } from '../../files/byte-pieces.js'
import { parseExactJson } from '../../files/exact-json.js'
import type { Candidate } from '../candidate.js'
import { entryOr } from '../faults.js'
import { ListedSource } from '../listed.js'
import { refuseSplit, sampleOf } from '../rows.js'
import { SampleStore } from '../sample-store.js'
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
    const items = new SampleStore(`${folder}${sep}`)
    let number = 0
    for await (const bytes of whole(candidate)) {
      number++
      const line = bytes.toString()
      if (line.trim() === '') continue
      const where = `line ${number} of ${path}`
      const read = () => sampleOf(parseExactJson(line, where), where, folder, options)
      const sample = entryOr(options.faults, where, read)
      if (sample) items.add(sample)
    }
    if (items.length === 0 && !options.faults?.count)
      throw new ClipwrightError('ERR_DATA', `${path} is empty; it needs a { "image", "caption" } per line`)
    return new ListedSource({ path, format: 'jsonl', protocol: 'any', items })
  },
}

/** Its lines. @throws ClipwrightError as `candidate.text`, which says what is wrong with the file */
async function* whole(candidate: Candidate): AsyncGenerator<Buffer> {
  await candidate.head() // a file that is not there, or is none
  for await (const line of linesOf(candidate.path)) {
    if (!isUtf8(line)) await candidate.text()
    yield line
  }
}
