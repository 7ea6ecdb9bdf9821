/**
 * Data as Chinese-CLIP trains on them (https://github.com/OFA-Sys/Chinese-CLIP, build_lmdb_dataset.py): a folder `lmdb` with
 * `SPLIT/pairs` (key: number, value: a pickle of (image_id, text_id, text)) and `SPLIT/imgs` (key: id, value: base64).
 */
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { limited } from '../../base/limited.js'
import { some } from '../../base/shorten.js'
import { exists } from '../../files/exists.js'
import type { StoredPicture } from '../../image/source.js'
import type { Candidate } from '../candidate.js'
import { IndexedSource, type Records } from '../indexed.js'
import { pairOf } from '../lmdb/pair-pickle.js'
import { LmdbReader } from '../lmdb/reader.js'
import { openFile } from '../places/open-file.js'
import type { RetrievalView, Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

const FILE = 'data.mdb'
const PAIRS = join('pairs', FILE)
const AT_ONCE = 16

export const chineseLmdb: SourceKind = {
  takes: "Chinese-CLIP's folder of LMDB with SPLIT/pairs and SPLIT/imgs",
  fits: async (candidate) => (await splitFolders(candidate)).length > 0,
  async open(candidate, options) {
    const { path } = candidate
    const folder = await choose(candidate, options)
    const [pairsFile, imagesFile] = await Promise.all([
      openFile(join(folder, PAIRS)),
      openFile(join(folder, 'imgs', FILE)),
    ])
    const [pairs, images] = await Promise.all([LmdbReader.open(pairsFile), LmdbReader.open(imagesFile)])
    const records = new LmdbPairs(folder, pairs, images, await countIn(pairs, pairsFile.path))
    const sizes = `${pairsFile.size} ${imagesFile.size} ${pairs.entries} ${images.entries}`
    const digest = createHash('sha256').update(sizes).digest('hex')
    const split = folder === path ? undefined : basename(folder)
    return new LmdbSource(records, {
      path,
      format: 'chinese-lmdb',
      protocol: 'muge',
      split,
      records,
      identity: async () => digest,
    })
  },
}

/** Folders with a split each: the folder itself, those in it, or those in its `lmdb`. */
async function splitFolders(candidate: Candidate): Promise<string[]> {
  const { path, isFolder } = candidate
  if (!isFolder) return []
  if (await exists(join(path, PAIRS))) return [path]
  const found: string[] = []
  const { readdir } = await import('node:fs/promises')
  for (const base of [path, join(path, 'lmdb')]) {
    const names = await readdir(base).catch(() => [])
    for (const name of names.sort()) if (await exists(join(base, name, PAIRS))) found.push(join(base, name))
  }
  return found
}

async function choose(candidate: Candidate, { split, use = 'train' }: SourceOptions): Promise<string> {
  const folders = await splitFolders(candidate)
  const wanted = split ?? use
  const own = (name: string) => folders.find((folder) => basename(folder) === name)
  const folder =
    own(wanted) ??
    (wanted === 'val' ? own('valid') : undefined) ??
    (split === undefined && folders.length === 1 ? folders[0] : undefined)
  if (folder !== undefined) return folder
  const there = some(folders.map((one) => `"${basename(one)}"`))
  throw new ClipwrightError(
    'ERR_DATA',
    `${candidate.path} has no split "${wanted}"; choose with --split among ${there}`,
  )
}

async function countIn(pairs: LmdbReader, path: string): Promise<number> {
  const text = (await pairs.get('num_samples'))?.toString()
  const count = Number(text)
  if (text !== undefined && Number.isSafeInteger(count) && count > 0) return count
  throw new ClipwrightError(
    'ERR_DATA',
    `${path} has ${pairs.entries} entries and no number of pairs in "num_samples", as Chinese-CLIP writes it`,
  )
}

class LmdbPairs implements Records {
  readonly size: number
  readonly #folder: string
  readonly #pairs: LmdbReader
  readonly #images: LmdbReader

  constructor(folder: string, pairs: LmdbReader, images: LmdbReader, size: number) {
    this.#folder = folder
    this.#pairs = pairs
    this.#images = images
    this.size = size
  }

  nameOf(index: number): { path: string; id: string } {
    return { path: join(this.#folder, PAIRS), id: String(index) }
  }

  async pair(index: number) {
    const { path } = this.nameOf(index)
    const value = await this.#pairs.get(String(index))
    if (!value) throw new ClipwrightError('ERR_FORMAT', `pair ${index} of ${path} is missing`)
    return pairOf(value, `pair ${index} of ${path}`)
  }

  async sample(index: number): Promise<Sample> {
    const { imageId, text } = await this.pair(index)
    return { image: this.picture(imageId), captions: [text], id: imageId }
  }

  picture(id: string): StoredPicture {
    const path = join(this.#folder, 'imgs', FILE)
    const read = async () => {
      const base64 = await this.#images.get(id)
      if (!base64) throw new ClipwrightError('ERR_NOT_FOUND', `there is no picture ${id} in ${path}`)
      return Buffer.from(base64.toString('latin1'), 'base64')
    }
    return { path, id, read }
  }
}

class LmdbSource extends IndexedSource {
  readonly #records: LmdbPairs

  constructor(records: LmdbPairs, o: ConstructorParameters<typeof IndexedSource>[0]) {
    super(o)
    this.#records = records
  }

  /** A text of several pictures is one caption, which belongs to all of them. */
  override async retrieval(): Promise<RetrievalView> {
    const read = limited(AT_ONCE, (index: number) => this.#records.pair(index))
    const pairs = await Promise.all(Array.from({ length: this.size }, (_, i) => read(i)))
    const ids = [...new Set(pairs.map(({ imageId }) => imageId))]
    const places = new Map(ids.map((id, i) => [id, i]))
    const texts = new Map<string, { text: string; own: Set<number> }>()
    for (const { imageId, textId, text } of pairs) {
      const known = texts.get(textId) ?? { text, own: new Set() }
      known.own.add(places.get(imageId)!)
      texts.set(textId, known)
    }
    const all = [...texts.values()]
    return {
      pictures: ids.map((id) => this.#records.picture(id)),
      ids,
      captions: all.map(({ text }) => text),
      imageOfCaption: all.map(({ own }) => [...own]),
    }
  }
}
