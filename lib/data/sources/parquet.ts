/**
 * Parquet: tables with paths of pictures, as lists are, or with the pictures in them, as img2dataset (`jpg`) and Hugging
 * Face's datasets (`image: { bytes, path }`) write them. Those are read by row groups, of which no part can be had alone.
 */
import { createHash } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { expand } from 'brace-expansion'
import { ClipwrightError } from '../../base/errors.js'
import { some } from '../../base/shorten.js'
import { type Block, BlockSource } from '../blocks.js'
import type { Candidate } from '../candidate.js'
import { emptyCaption } from '../caption-text.js'
import { kindOf } from '../checks.js'
import { entryName } from '../entry-name.js'
import { entryOr } from '../faults.js'
import { ListedSource } from '../listed.js'
import { openTable, type Row, type Table } from '../parquet/table.js'
import { openFile } from '../places/open-file.js'
import { KEYS_REMEDY, sampleOf } from '../rows.js'
import type { DataSource, Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

const PARQUET = /\.parquet$/i
const IMAGES = ['image', 'jpg', 'png', 'webp', 'filepath', 'path', 'image_path']
const CAPTIONS = ['caption', 'title', 'text', 'captions']

export const parquet: SourceKind = {
  takes: 'Parquet with paths of pictures, or pictures, and their captions',
  fits: async (candidate) =>
    candidate.isFolder ? (await candidate.files()).some((name) => PARQUET.test(name)) : PARQUET.test(candidate.path),
  async open(candidate, options) {
    const tables: Table[] = []
    for (const path of await pathsOf(candidate, options)) tables.push(await openTable(await openFile(path)))
    const keys = keysOf(candidate.path, tables[0]!, options)
    for (const table of tables) requireColumns(table, keys)
    const kind = tables[0]!.columns.get(keys.image)
    return kind === 'text'
      ? listed(candidate.path, tables, keys, options)
      : inBlocks(candidate.path, tables, keys, options)
  },
}

type Keys = { image: string; caption: string }

/** Of a folder the files of the split, where their names begin with one as Hugging Face's do: `train-00000-of-00002`. */
async function pathsOf(candidate: Candidate, { split, use = 'train' }: SourceOptions): Promise<string[]> {
  const { path, isFolder } = candidate
  if (!isFolder) return expand(path)
  const files = (await candidate.files()).filter((name) => PARQUET.test(name))
  const wanted = split ?? use
  const names = wanted === 'val' ? ['val', 'validation', 'valid'] : [wanted]
  const own = files.filter((file) => names.some((name) => new RegExp(`^${name}[-_.]`, 'i').test(basename(file))))
  if (own.length === 0 && split !== undefined) {
    const there = some(files)
    throw new ClipwrightError(
      'ERR_DATA',
      `${path} has no file of the split "${split}": expected ${split}-….parquet, got ${there}`,
    )
  }
  return (own.length > 0 ? own : files).map((name) => join(path, name))
}

function keysOf(path: string, { columns }: Table, { imageKey, captionKey }: SourceOptions): Keys {
  const image = imageKey ?? IMAGES.find((name) => columns.has(name))
  const caption = captionKey ?? CAPTIONS.find((name) => columns.has(name))
  if (image !== undefined && caption !== undefined) return { image, caption }
  const found = some(
    [...columns.keys()].map((name) => `"${name}"`),
    20,
  )
  const expected = [IMAGES, CAPTIONS].map((names) => names.map((name) => `"${name}"`).join(', '))
  throw new ClipwrightError(
    'ERR_DATA',
    `${path}: expected a column of pictures (${expected[0]}) and one of captions (${expected[1]}), got ${found}; ${KEYS_REMEDY}`,
  )
}

function requireColumns({ file, columns }: Table, keys: Keys): void {
  for (const name of [keys.image, keys.caption]) {
    if (columns.has(name)) continue
    const found = some(
      [...columns.keys()].map((one) => `"${one}"`),
      20,
    )
    throw new ClipwrightError('ERR_DATA', `${file.path} has no column "${name}"; it has ${found}; ${KEYS_REMEDY}`)
  }
}

/** Paths lie in memory as those of lists do, the pictures in their own files. */
async function listed(path: string, tables: readonly Table[], keys: Keys, options: SourceOptions): Promise<DataSource> {
  const items: Sample[] = []
  const hash = createHash('sha256')
  const named = { ...options, imageKey: keys.image, captionKey: keys.caption }
  for (const { file, rows, groups, columns } of tables) {
    const names = [keys.image, keys.caption, ...(columns.has('image_id') ? ['image_id'] : [])]
    const folder = dirname(resolve(file.path))
    const own = await rows(names, 0, sum(groups))
    for (const [i, row] of own.entries()) {
      const where = entryName(i, file.path, 'row')
      const sample = entryOr(options.faults, where, () => sampleOf(plain(row), where, folder, named))
      if (!sample) continue
      hash.update(JSON.stringify([row[keys.image], sample.captions]))
      items.push(sample)
    }
  }
  if (items.length === 0 && !options.faults?.count) throw new ClipwrightError('ERR_DATA', `${path} has no rows`)
  return new ListedSource({ path, format: 'parquet', protocol: 'any', items, digest: hash.digest('hex') })
}

/** Whole numbers come as bigints. */
function plain(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? String(value) : value]),
  )
}

function inBlocks(path: string, tables: readonly Table[], keys: Keys, options: SourceOptions): DataSource {
  const hash = createHash('sha256')
  const blocks = tables.flatMap((table) => {
    const { file, groups } = table
    hash.update(`${file.size} ${groups.join(' ')}\n`)
    let start = 0
    return groups.map((size): Block => {
      const from = start
      start += size
      return { size, read: () => samplesOf(table, keys, from, size) }
    })
  })
  const full = blocks.filter(({ size }) => size > 0)
  if (full.length === 0) throw new ClipwrightError('ERR_DATA', `${path} has no rows`)
  const digest = hash.digest('hex')
  const { shuffleBuffer = 1024 } = options
  return new BlockSource({
    path,
    format: 'parquet',
    protocol: 'any',
    blocks: full,
    shuffleBuffer,
    identity: async () => digest,
  })
}

async function* samplesOf({ file, rows }: Table, keys: Keys, from: number, size: number): AsyncGenerator<Sample> {
  for (const [i, row] of (await rows([keys.image, keys.caption], from, from + size)).entries()) {
    yield embedded(row, keys, file.path, from + i)
  }
}

/** What is wrong with a row is found where its picture would be, as with other sources. */
function embedded(row: Row, keys: Keys, path: string, number: number): Sample {
  const id = `row ${number + 1}`
  const fail = (what: string, cause?: Error): Sample => {
    const error = new ClipwrightError('ERR_FORMAT', `${entryName(number, path, 'row')}: ${what}`, { cause })
    return { image: { path, id, read: () => Promise.reject(error) }, captions: [''] }
  }
  const caption = row[keys.caption]
  const captions = typeof caption === 'string' ? [caption] : caption
  if (
    !Array.isArray(captions) ||
    captions.length === 0 ||
    captions.some((one) => typeof one !== 'string' || one.trim() === '')
  )
    return fail(`expected a caption in "${keys.caption}", got ${kindOf(caption)}`, emptyCaption(caption))
  const value = row[keys.image]
  const bytes = value instanceof Uint8Array ? value : (Object(value) as { bytes?: unknown }).bytes
  if (!(bytes instanceof Uint8Array)) return fail(`expected a picture's bytes in "${keys.image}", got ${kindOf(value)}`)
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { image: { path, id, read: async () => data }, captions }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
