/** What lies at a path, looked at no more than once however many kinds of sources ask. */
import { open, readdir, stat } from 'node:fs/promises'
import { parseExactJson } from '../files/exact-json.js'
import { readUpTo } from '../files/read-exactly.js'
import { requireRegularFile } from '../files/regular-file.js'
import { readTextFile } from '../files/text.js'
import { filesIn } from './files-in.js'

/** Bytes of a file's head. */
const HEAD = 1 << 20

export class Candidate {
  readonly path: string
  readonly isFolder: boolean
  #names: Promise<string[]> | undefined
  #files: Promise<string[]> | undefined
  #head: Promise<string> | undefined
  #text: Promise<string> | undefined
  #json: Promise<unknown> | undefined

  private constructor(path: string, isFolder: boolean) {
    this.path = path
    this.isFolder = isFolder
  }

  /** A path at which there is nothing is one of a file, whose reading then fails. */
  static async at(path: string): Promise<Candidate> {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    )
    return new Candidate(path, isFolder)
  }

  /** What the folder holds, sorted; nothing where this is a file. */
  names(): Promise<string[]> {
    this.#names ??= this.isFolder ? readdir(this.path).then((names) => names.sort()) : Promise.resolve([])
    return this.#names
  }

  /** What the folder and those below it hold, as paths seen from it; nothing where this is a file. */
  files(): Promise<string[]> {
    this.#files ??= this.isFolder ? filesIn(this.path) : Promise.resolve([])
    return this.#files
  }

  /** Without its byte order mark. @throws ClipwrightError ERR_NOT_FOUND, ERR_IO, ERR_FORMAT when it is not UTF-8 */
  text(): Promise<string> {
    this.#text ??= readTextFile(this.path, (reason, missing) =>
      missing
        ? `expected a caption list at ${this.path}, but there is no such file; give the path of a JSON file [{ "image", "caption" }]`
        : `could not read the caption list ${this.path}: ${reason}.`,
    ).then((text) => (text.startsWith('\uFEFF') ? text.slice(1) : text))
    return this.#text
  }

  /** What it begins with: all of a small file, of a large one the first characters. @throws as `text` */
  head(): Promise<string> {
    this.#head ??= beginningOf(this.path).then((head) => head ?? this.text())
    return this.#head
  }

  /** Whether it begins as a list in JSON does. @throws as `text` */
  async beginsWithList(): Promise<boolean> {
    return /^\s*\[/.test(await this.head())
  }

  /** The first lines that are not empty, without the white space around them; of a large file's head. @throws as `text` */
  async firstLines(count: number): Promise<string[]> {
    const text = await this.head()
    const lines: string[] = []
    for (let at = 0; at < text.length && lines.length < count; ) {
      const newline = text.indexOf('\n', at)
      const end = newline < 0 ? text.length : newline
      const line = text.slice(at, end).trim()
      if (line !== '') lines.push(line)
      at = end + 1
    }
    return lines
  }

  /** @throws ClipwrightError as `text`, and ERR_FORMAT when it is not JSON */
  json(): Promise<unknown> {
    this.#json ??= this.text().then((text) => parseExactJson(text, this.path))
    return this.#json
  }
}

/** Undefined where the whole text is to be read: it is small, no text in UTF-8, or what else is wrong with it is said then. */
async function beginningOf(path: string): Promise<string | undefined> {
  try {
    await requireRegularFile(path)
    const file = await open(path)
    try {
      if ((await file.stat()).size <= HEAD) return undefined
      const bytes = await readUpTo(file, 0, HEAD)
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true }) // the last character may be cut
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}
