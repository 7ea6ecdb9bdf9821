/** The folder of a run: options, log, bad samples, plots, checkpoints. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClipwrightError, invalid } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { AppendFile, fileSystem } from '../files/append-file.js'
import { writeAtomically } from '../files/atomic-write.js'
import { parseJson } from '../files/json.js'
import { describeOwner, FolderLock, type Owner } from '../files/lock.js'
import { removeLeftovers } from './leftovers.js'
import type { TrainOptions } from './options/options.js'
import { requireRoom } from './room.js'
import { CHECKPOINTS, CONFIG, ENTRIES, GROWING, GROWING_FILES, type Growing, type Plot, WEIGHTS } from './run-names.js'

/** Lengths of the files that grow, so that a resumed run can cut off what came after its checkpoint. */
export type Lengths = Partial<Record<Growing, number>>

/** A run's folder belongs to one process at a time, from `create` or `enter` to `close`. */
export class RunFolder {
  readonly path: string
  readonly #lock: FolderLock
  #growing: Partial<Record<Growing, AppendFile>> = {}
  /** Is told at once of lines that the disk does not take; they are tried again. */
  onUnwritten: (message: string) => void = () => {}

  private constructor(path: string, lock: FolderLock) {
    this.path = path
    this.#lock = lock
  }

  /**
   * Whether `create` will find room, to know it before a model is loaded.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when something is there already, ERR_IO
   */
  static async check(out: string, overwrite: boolean): Promise<void> {
    const path = resolve(out)
    await fileSystem(path, async () => {
      const owner = existsSync(path) && (await stat(path)).isDirectory() && (await FolderLock.ownerOf(path))
      if (owner) throw inUse('out', path)(owner)
      await requireRoom(path, overwrite)
    })
  }

  /**
   * A new run's folder.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when something is there already, or another process, ERR_IO
   */
  static async create(out: string, overwrite: boolean, options: TrainOptions): Promise<RunFolder> {
    const path = resolve(out)
    return fileSystem(path, async () => {
      if (existsSync(path) && !(await stat(path)).isDirectory()) await requireRoom(path, overwrite)
      await mkdir(path, { recursive: true })
      const folder = new RunFolder(path, await FolderLock.take(path, inUse('out', path)))
      try {
        await requireRoom(path, overwrite)
        // config.json tells that this is a run: it goes last and comes first, whenever the process ends.
        const others = ENTRIES.filter((entry) => entry !== CONFIG)
        for (const entry of others) await rm(join(path, entry), { recursive: true, force: true })
        await removeLeftovers(path)
        await folder.writeOptions(options)
        await mkdir(join(path, CHECKPOINTS), { recursive: true })
        await folder.openFiles({})
        return folder
      } catch (error) {
        await folder.close().catch(() => {})
        throw error
      }
    })
  }

  /**
   * The folder of a run that is to go on. The files that grow are not open yet.
   * @throws ClipwrightError ERR_NOT_FOUND when this is no run folder, ERR_INVALID_ARGUMENT when another process has it,
   *   ERR_IO
   */
  static async enter(out: string): Promise<RunFolder> {
    const path = resolve(out)
    if (!existsSync(join(path, CONFIG))) throw noRun(out)
    return fileSystem(path, async () => {
      const folder = new RunFolder(path, await FolderLock.take(path, inUse('resume', path)))
      try {
        await removeLeftovers(path)
        return folder
      } catch (error) {
        await folder.close().catch(() => {})
        throw error
      }
    })
  }

  /**
   * Opens the files that grow, cut to what the checkpoint knew.
   * @throws ClipwrightError ERR_IO
   */
  async openFiles(lengths: Lengths): Promise<void> {
    await fileSystem(this.path, async () => {
      for (const name of GROWING_FILES) {
        this.#growing[name] = await AppendFile.open(join(this.path, GROWING[name]), lengths[name], (error) =>
          this.onUnwritten((error as Error).message),
        )
      }
    })
  }

  /**
   * The options that the run was started with.
   * @throws ClipwrightError ERR_NOT_FOUND when there are none, ERR_FORMAT when its config.json is not JSON
   */
  async readOptions(): Promise<TrainOptions> {
    const path = join(this.path, CONFIG)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (cause) {
      throw noRun(this.path, cause)
    }
    return parseJson(text, path) as TrainOptions
  }

  /** `config.json`: every option with the value it had, so that `--config` can repeat the run in another `--out`. */
  async writeOptions(options: TrainOptions): Promise<void> {
    await writeAtomically(join(this.path, CONFIG), (file) => file.writeFile(`${JSON.stringify(options, null, 2)}\n`))
  }

  checkpoint(name: string): string {
    return join(this.path, CHECKPOINTS, name)
  }

  async checkpoints(): Promise<string[]> {
    return fileSystem(this.path, () => readdir(join(this.path, CHECKPOINTS)))
  }

  /** The folder of an epoch's weights, or with '' the one that holds them all. */
  weights(name: string): string {
    return join(this.path, WEIGHTS, name)
  }

  log(event: object): void {
    this.append('log', `${JSON.stringify(event)}\n`)
  }

  listBadSample(sample: object): void {
    this.append('bad', `${JSON.stringify(sample)}\n`)
  }

  /** Never waits; `onUnwritten` is told what went wrong. */
  append(file: Growing, data: string | Uint8Array): void {
    this.#file(file).append(data)
  }

  /** Whether nothing was ever appended to this file. */
  isEmpty(file: Growing): boolean {
    return this.#file(file).isEmpty
  }

  /** Earlier lines of the log, to go on drawing its curves. */
  async readLog(): Promise<unknown[]> {
    const text = await fileSystem(this.path, () => readFile(join(this.path, GROWING.log), 'utf8'))
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  /**
   * Waits until everything that was appended is on the disk, or pending because the disk does not take it now.
   * @returns the files' lengths with what is pending
   */
  async flush(): Promise<Lengths> {
    const lengths: Lengths = {}
    for (const name of GROWING_FILES) lengths[name] = await this.#file(name).flush()
    return lengths
  }

  /** Gives the folder free. @throws ClipwrightError ERR_IO when something could not be written */
  async close(): Promise<void> {
    const files = Object.values(this.#growing)
    this.#growing = {}
    const results = await Promise.allSettled(files.map((file) => file.close()))
    await this.#lock.release()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #file(name: Growing): AppendFile {
    const file = this.#growing[name]
    if (!file) throw new Error(`${GROWING[name]} is not open`)
    return file
  }

  async writePlot(name: Plot, png: Buffer): Promise<void> {
    await writeAtomically(join(this.path, name), (file) => file.writeFile(png))
  }
}

function noRun(out: string, cause?: unknown): ClipwrightError {
  const message = `expected a run folder at ${out}, but it has no readable ${CONFIG}.`
  return new ClipwrightError('ERR_NOT_FOUND', message, { cause })
}

function inUse(option: string, path: string): (owner: Owner) => ClipwrightError {
  return (owner) =>
    invalid(
      `train: ${optionName(option)}: ${describeOwner(owner)}, is training in ${path}; wait until it ends, or stop it`,
    )
}
