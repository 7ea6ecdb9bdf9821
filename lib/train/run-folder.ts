/** The folder of a run: options, log, bad samples, plots, checkpoints. */
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isFileSystemError, writeAtomically, writeError } from '../checkpoint/atomic-write.js'
import { removeUnfinished } from '../checkpoint/replace-folder.js'
import { ClipwrightError } from '../errors.js'
import { parseJson } from '../json.js'
import type { TrainOptions } from './options.js'

const CONFIG = 'config.json'
const LOG = 'log.jsonl'
const BAD = 'bad-samples.jsonl'
const CHECKPOINTS = 'checkpoints'
/** All that a run writes; `overwrite` removes nothing else. */
const ENTRIES = [CONFIG, LOG, BAD, CHECKPOINTS, 'loss.png', 'recall.png']

/** Lengths of the two files that grow, so that a resumed run can cut off what came after its checkpoint. */
export type Lengths = { log: number; bad: number }

export class RunFolder {
  readonly path: string
  readonly #log: LineFile
  readonly #bad: LineFile

  private constructor(path: string, log: LineFile, bad: LineFile) {
    this.path = path
    this.#log = log
    this.#bad = bad
  }

  /**
   * Whether `create` will find room, to know it before a model is loaded.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when something is there already, ERR_IO
   */
  static async check(out: string, overwrite: boolean): Promise<void> {
    const path = resolve(out)
    await guarded(path, () => checkRoom(path, overwrite))
  }

  /**
   * A new run's folder.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when something is there already, ERR_IO
   */
  static async create(out: string, overwrite: boolean, options: TrainOptions): Promise<RunFolder> {
    const path = resolve(out)
    return guarded(path, async () => {
      await checkRoom(path, overwrite)
      if (overwrite) for (const entry of ENTRIES) await rm(join(path, entry), { recursive: true, force: true })
      await mkdir(join(path, CHECKPOINTS), { recursive: true })
      const folder = new RunFolder(path, await LineFile.open(join(path, LOG)), await LineFile.open(join(path, BAD)))
      await folder.writeOptions(options)
      return folder
    })
  }

  /**
   * The folder of a run that goes on, with its log and list of bad samples cut to what the checkpoint knew.
   * @throws ClipwrightError ERR_IO
   */
  static async reopen(out: string, lengths: Lengths): Promise<RunFolder> {
    const path = resolve(out)
    return guarded(path, async () => {
      await removeUnfinished(join(path, CHECKPOINTS))
      return new RunFolder(
        path,
        await LineFile.open(join(path, LOG), lengths.log),
        await LineFile.open(join(path, BAD), lengths.bad),
      )
    })
  }

  /**
   * The options that a run was started with.
   * @throws ClipwrightError ERR_NOT_FOUND when this is no run folder, ERR_FORMAT when its config.json is not JSON
   */
  static async readOptions(out: string): Promise<TrainOptions> {
    const path = join(resolve(out), CONFIG)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (cause) {
      throw new ClipwrightError('ERR_NOT_FOUND', `expected a run folder at ${out}, but it has no readable ${CONFIG}.`, {
        cause,
      })
    }
    return parseJson(text, path) as TrainOptions
  }

  /** `config.json`: every option with the value it had, so that `--config` can repeat the run. */
  async writeOptions(options: TrainOptions): Promise<void> {
    await writeAtomically(join(this.path, CONFIG), (file) => file.writeFile(`${JSON.stringify(options, null, 2)}\n`))
  }

  checkpoint(name: string): string {
    return join(this.path, CHECKPOINTS, name)
  }

  async checkpoints(): Promise<string[]> {
    return guarded(this.path, () => readdir(join(this.path, CHECKPOINTS)))
  }

  log(event: object): void {
    this.#log.append(event)
  }

  listBadSample(sample: object): void {
    this.#bad.append(sample)
  }

  /** Earlier lines of the log, to go on drawing its curves. */
  async readLog(): Promise<unknown[]> {
    const text = await guarded(this.path, () => readFile(join(this.path, LOG), 'utf8'))
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  /** Waits until everything that was logged is on the disk. @throws ClipwrightError ERR_IO */
  async flush(): Promise<Lengths> {
    return { log: await this.#log.flush(), bad: await this.#bad.flush() }
  }

  /** @throws ClipwrightError ERR_IO when a line could not be written */
  async close(): Promise<void> {
    await Promise.all([this.#log.close(), this.#bad.close()])
  }

  async writePlot(name: 'loss.png' | 'recall.png', png: Buffer): Promise<void> {
    await writeAtomically(join(this.path, name), (file) => file.writeFile(png))
  }
}

async function checkRoom(path: string, overwrite: boolean): Promise<void> {
  if (!existsSync(path)) return
  const isFolder = (await stat(path)).isDirectory()
  const found = isFolder ? await readdir(path) : []
  if (isFolder && found.length === 0) return
  if (!isFolder || !found.includes(CONFIG) || !found.includes(LOG)) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `train: option "out": ${path} exists and is not a run folder; choose a path that is free.`,
    )
  }
  if (!overwrite) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `train: option "out": there is a run in ${path} already; go on with it ("resume"), replace it ("overwrite"), or choose another path.`,
    )
  }
}

/** A file of JSON lines. Appending never waits; lines that come while one is written go out together. */
class LineFile {
  readonly #path: string
  readonly #handle: FileHandle
  #pending: string[] = []
  #writing: Promise<void> = Promise.resolve()
  #bytes: number
  #failure: { error: unknown } | undefined

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
  }

  /** @param length what stays of an earlier run */
  static async open(path: string, length = 0): Promise<LineFile> {
    const handle = await open(path, 'a')
    const bytes = Math.min(length, (await handle.stat()).size)
    await handle.truncate(bytes)
    return new LineFile(path, handle, bytes)
  }

  append(line: object): void {
    this.#pending.push(`${JSON.stringify(line)}\n`)
    if (this.#pending.length === 1) this.#writing = this.#writing.then(() => this.#write())
  }

  async flush(): Promise<number> {
    await this.#writing
    if (this.#failure) throw this.#failure.error
    await guarded(this.#path, () => this.#handle.datasync())
    return this.#bytes
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#handle.close()
    if (this.#failure) throw this.#failure.error
  }

  async #write(): Promise<void> {
    const text = this.#pending.join('')
    this.#pending = []
    if (this.#failure) return
    try {
      await guarded(this.#path, () => this.#handle.appendFile(text))
      this.#bytes += Buffer.byteLength(text)
    } catch (error) {
      this.#failure = { error }
    }
  }
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isFileSystemError(error) ? writeError(path, error) : error
  }
}
