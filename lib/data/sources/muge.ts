/**
 * Data as Chinese-CLIP keeps it (https://github.com/OFA-Sys/Chinese-CLIP): `SPLIT_texts.jsonl`, a line
 * `{ "text_id", "text", "image_ids": [...] }` each, and beside it `SPLIT_imgs.tsv`, a line of id, tab, base64 each, or a
 * folder of pictures named by their ids.
 */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, parse, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { shorten, some } from '../../base/shorten.js'
import { parseExactJson } from '../../files/exact-json.js'
import { exists } from '../../files/exists.js'
import { requireRegularFile } from '../../files/regular-file.js'
import { readTextFile } from '../../files/text.js'
import type { ImageAddress } from '../../image/source.js'
import { emptyCaption } from '../caption-text.js'
import { kindOf } from '../checks.js'
import { entryOr, type Faults } from '../faults.js'
import { ById, idOf } from '../ids.js'
import { ListedSource, type SharedCaption } from '../listed.js'
import type { Sample } from '../source.js'
import type { SourceKind } from '../source-kind.js'

const TEXTS = /^(.*)_texts\.jsonl$/

export const muge: SourceKind = {
  takes: "Chinese-CLIP's folder with SPLIT_texts.jsonl",
  async fits(candidate) {
    if (candidate.isFolder) return (await candidate.names()).some((name) => TEXTS.test(name))
    if (TEXTS.test(basename(candidate.path))) return true
    if (!candidate.path.endsWith('.jsonl')) return false
    const [first = ''] = await candidate.firstLines(1)
    return /"image_ids"\s*:/.test(first)
  },
  async open(candidate, { use = 'train', split, faults }) {
    const { path, isFolder } = candidate
    const names = await candidate.names()
    return read(isFolder ? join(path, choose(path, names, split ?? use, split !== undefined)) : path, faults)
  },
}

/** The file of texts of the split, or the only one when none was asked for. */
function choose(folder: string, names: readonly string[], split: string, asked: boolean): string {
  const found = names.filter((name) => TEXTS.test(name))
  const of = (name: string) => found.find((file) => file === `${name}_texts.jsonl`)
  // Chinese-CLIP calls its validation split "valid".
  const file =
    of(split) ?? (split === 'val' ? of('valid') : undefined) ?? (!asked && found.length === 1 ? found[0] : undefined)
  if (file !== undefined) return file
  const splits = some(found.map((name) => `"${TEXTS.exec(name)![1]}"`))
  throw new ClipwrightError('ERR_DATA', `${folder} has no split "${split}"; choose with --split among ${splits}`)
}

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_IO; ERR_DATA naming the line that is not what it should be */
async function read(path: string, faults: Faults | undefined): Promise<ListedSource> {
  const split = TEXTS.exec(basename(path))?.[1]
  const { pictures, where: place } = await readPictures(path, split)
  const positions = new Map<string, number>()
  const items: (Sample & { captions: string[] })[] = []
  const shared: SharedCaption[] = []
  const text = await readTextFile(path, (reason) => `could not read the texts ${path}: ${reason}.`)
  const lines = text.split('\n')
  const add = (line: string, where: string) => {
    const fail = (what: string, cause?: Error): never => {
      throw new ClipwrightError('ERR_DATA', `${where}: ${what}`, { cause })
    }
    const { text, image_ids } = Object(parseExactJson(line, where)) as Record<string, unknown>
    if (typeof text !== 'string' || text.trim() === '')
      return fail(`expected a caption in "text", got ${kindOf(text)}`, emptyCaption(text))
    if (!Array.isArray(image_ids) || image_ids.length === 0)
      return fail(
        `expected the ids of its pictures in "image_ids", got ${kindOf(image_ids)}; without answers nothing can be measured`,
      )
    const founds = image_ids.map((value) => {
      const asked = idOf(value) ?? fail(`expected ids in "image_ids", got ${kindOf(value)}`)
      return pictures.find(asked, fail) ?? fail(`there is no picture ${shorten(asked)} in ${place}`)
    })
    const own = new Set<number>()
    for (const found of founds) {
      const position = positions.get(found.id) ?? items.push({ image: found.value, id: found.id, captions: [] }) - 1
      positions.set(found.id, position)
      own.add(position)
    }
    for (const position of own) items[position]!.captions.push(text)
    shared.push({ caption: text, items: [...own] })
  }
  for (const [i, line] of lines.entries()) {
    const where = `line ${i + 1} of ${path}`
    if (line.trim() !== '') entryOr(faults, where, () => add(line, where), 0)
  }
  if (items.length === 0 && !faults?.count)
    throw new ClipwrightError('ERR_DATA', `${path} is empty; it needs a text a line`)
  const others = [...pictures.entries()].filter(([id, image]) => !positions.has(id) && isPicture(image))
  const distractors = others.map(([, image]) => image)
  return new ListedSource({ path, format: 'muge', protocol: 'muge', split, items, shared, distractors })
}

async function readPictures(
  path: string,
  split: string | undefined,
): Promise<{ pictures: ById<ImageAddress>; where: string }> {
  const folder = dirname(resolve(path))
  const stem = split ?? parse(path).name
  const tsv = join(folder, `${stem}_imgs.tsv`)
  if (await exists(tsv)) return { pictures: await indexTsv(tsv), where: tsv }
  for (const name of [`${stem}_imgs`, 'images', 'imgs']) {
    const at = join(folder, name)
    if (await exists(at)) return { pictures: await indexFolder(at), where: at }
  }
  throw new ClipwrightError(
    'ERR_NOT_FOUND',
    `expected the pictures of ${path} in ${tsv}, or in a folder ${stem}_imgs or images beside it, but there is neither`,
  )
}

/** Pictures by their names without the ending. */
async function indexFolder(folder: string): Promise<ById<ImageAddress>> {
  const pictures = new ById<ImageAddress>()
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory() && !isLitter(entry.name)).map(({ name }) => name)
  for (const file of files.sort()) pictures.set(parse(file).name, join(folder, file))
  return pictures
}

/** What systems leave in folders. */
const isLitter = (name: string) => /^(\..*|thumbs\.db|ehthumbs\.db|desktop\.ini)$/i.test(name)

/** Whether a file that no text names is a picture to search besides: a list or a note that lies there is none. */
function isPicture(image: ImageAddress): boolean {
  if (typeof image !== 'string') return true
  const { ext } = parse(image)
  return ext === '' || /^\.(jpe?g|jfif|png|webp|gif|tiff?|avif|heic|heif|bmp|svg|jxl|jp2|ppm|pgm)$/i.test(ext)
}

const TAB = 9
const NEWLINE = 10
/** Ids are short; whatever is longer is no file of pictures. */
const LONGEST_ID = 256

/** Where each picture's base64 lies; the pictures themselves are read one by one when they are wanted. */
async function indexTsv(path: string): Promise<ById<ImageAddress>> {
  const places = new ById<ImageAddress>()
  let id = ''
  let inId = true
  let start = 0
  let at = 0
  const fail = (): never => {
    throw new ClipwrightError(
      'ERR_DATA',
      `line ${places.size + 1} of ${path}: expected an id, a tab and a picture in base64`,
    )
  }
  const end = (position: number) => {
    if (inId && id.trim() === '') return
    if (inId) fail()
    if (places.size === 0) id = id.replace(/^\uFEFF/, '')
    places.set(id, { path, id, offset: start, length: position - start, encoding: 'base64' })
  }
  try {
    await requireRegularFile(path)
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0
      while (from < chunk.length) {
        const next = chunk.indexOf(inId ? TAB : NEWLINE, from)
        const to = next < 0 ? chunk.length : next
        if (inId) id += chunk.toString('utf8', from, Math.min(to, from + LONGEST_ID + 1))
        if (inId && (id.length > LONGEST_ID || id.trimEnd().includes('\n'))) fail()
        if (next >= 0) {
          if (inId) start = at + to + 1
          else {
            end(at + to)
            id = ''
          }
          inId = !inId
        }
        from = to + 1
      }
      at += chunk.length
    }
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    throw new ClipwrightError('ERR_IO', `could not read ${path}: ${(cause as Error).message}`, { cause })
  }
  end(at)
  return places
}
