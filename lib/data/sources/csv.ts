/**
 * Tables with a header, as open_clip trains on them (`src/open_clip_train/data.py`, CsvDataset): a picture's path and a
 * caption in each row, separated by tabs, commas or semicolons, quoted as RFC 4180 has it.
 */
import { createReadStream } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { ClipwrightError } from '../../base/errors.js'
import { shorten, some } from '../../base/shorten.js'
import type { Candidate } from '../candidate.js'
import { entryOr } from '../faults.js'
import { ListedSource } from '../listed.js'
import { KEYS_REMEDY, keysOf, refuseSplit, sampleOf } from '../rows.js'
import { SampleStore } from '../sample-store.js'
import type { SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

const SEPARATORS = ['\t', ',', ';'] as const

/** Characters in which a header ends. */
const HEADER = 1 << 16

type Row = { record: string[]; info: { lines: number } }

export const csv: SourceKind = {
  takes: 'a table (CSV, TSV) with the columns filepath and title',
  async fits(candidate) {
    if (candidate.isFolder) return false
    if (/\.(csv|tsv)$/i.test(candidate.path)) return true
    if (/\.json$/i.test(candidate.path)) return false
    const [header = ''] = await candidate.firstLines(1)
    return !/^[[{"]/.test(header) && SEPARATORS.some((separator) => header.includes(separator))
  },
  async open(candidate, options) {
    const { path } = candidate
    refuseSplit(path, options.split, 'a table')
    const items = await parseTable(candidate, options)
    return new ListedSource({ path, format: 'csv', protocol: 'any', items })
  },
}

/** A quote inside a cell that has none around it is a quote: 5" screen. */
const MANNER = { bom: true, info: true, relaxQuotes: true, relaxColumnCount: true, skipEmptyLines: true } as const

async function parseTable(candidate: Candidate, options: SourceOptions): Promise<SampleStore> {
  const { path } = candidate
  const { parse } = await import('csv-parse/sync')
  const head = (await candidate.head()).slice(0, HEADER)
  const header = (delimiter: string) => headerOf(parse(head, { ...MANNER, delimiter, to: 1 }) as unknown as Row[])
  try {
    const separator = SEPARATORS.find((s) => hasColumns(header(s), options))
    if (separator === undefined) throw withoutColumns(path, SEPARATORS.map(header), options)
    return await samplesOf(candidate, separator, header(separator), options)
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    const { message } = cause as Error
    throw new ClipwrightError('ERR_DATA', `${path} is not a table as RFC 4180 has it: ${shorten(message)}`, { cause })
  }
}

function headerOf([first]: readonly Row[]): string[] {
  return first?.record.map((name) => name.trim()) ?? []
}

function hasColumns(header: readonly string[], options: SourceOptions): boolean {
  const { image, caption } = keysOf((key) => header.includes(key), options)
  return header.includes(image) && header.includes(caption)
}

function withoutColumns(path: string, headers: readonly string[][], options: SourceOptions): ClipwrightError {
  const header = headers.reduce((most, one) => (one.length > most.length ? one : most))
  if (header.length === 0) return new ClipwrightError('ERR_DATA', `${path} is empty; it needs a header and rows`)
  const { imageKey, captionKey } = options
  const expected =
    imageKey === undefined && captionKey === undefined
      ? '"filepath" and "title", or "image" and "caption"'
      : `"${keysOf(() => true, options).image}" and "${keysOf(() => true, options).caption}"`
  const found = some(header.map((name) => `"${name}"`))
  return new ClipwrightError('ERR_DATA', `${path}: expected the columns ${expected}, got ${found}; ${KEYS_REMEDY}`)
}

async function samplesOf(
  candidate: Candidate,
  delimiter: string,
  header: readonly string[],
  options: SourceOptions,
): Promise<SampleStore> {
  const { path } = candidate
  const { parse } = await import('csv-parse')
  const folder = dirname(resolve(path))
  const items = new SampleStore(`${folder}${sep}`)
  const rows = parse({ ...MANNER, delimiter })
  pipeline(Readable.from(textOf(candidate)), rows, () => {}) // what fails is thrown by the loop
  let isHeader = true
  for await (const { record, info } of rows as AsyncIterable<Row>) {
    if (isHeader) {
      isHeader = false
      continue
    }
    const where = `line ${info.lines} of ${path}`
    const sample = entryOr(options.faults, where, () => sampleOf(rowOf(header, record, where), where, folder, options))
    if (sample) items.add(sample)
  }
  if (items.length === 0 && !options.faults?.count)
    throw new ClipwrightError('ERR_DATA', `${path} has a header and no rows`)
  return items
}

function rowOf(header: readonly string[], record: readonly string[], where: string): object {
  if (record.length !== header.length)
    throw new ClipwrightError(
      'ERR_DATA',
      `${where}: expected ${header.length} cells as in the header, got ${record.length}; put quotes around a cell that holds a separator`,
    )
  return Object.fromEntries(header.map((name, i) => [name, record[i]]))
}

/** Its text in parts. @throws ClipwrightError as `candidate.text`, which says what is wrong with the file */
async function* textOf(candidate: Candidate): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(candidate.path)) yield decoder.decode(chunk as Buffer, { stream: true })
    yield decoder.decode()
  } catch (error) {
    await candidate.text()
    throw error
  }
}
