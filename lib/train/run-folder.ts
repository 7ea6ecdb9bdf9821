/** The folder of a run: options, log, bad samples, plots, checkpoints. */

import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { counted } from '../base/counted.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { AppendFile, fileSystem } from '../files/append-file.js'
import { writeAtomically } from '../files/atomic-write.js'
import { describeOwner, FolderLock, LOCK_NAME, type Owner } from '../files/lock.js'
import { makeFolders } from '../files/make-folders.js'
import { readWholeText } from '../files/read-whole.js'
import type { Note, TrainEvent } from './events.js'
import { wholeLength } from './growing-file.js'
import { removeLeftovers } from './leftovers.js'
import type { TrainOptions } from './options/options.js'
import { Place } from './place.js'
import { requireRoom } from './room.js'
import { CHECKPOINTS, CONFIG, ENTRIES, GROWING, GROWING_FILES, type Growing, type Plot, WEIGHTS } from './run-names.js'

/** Lengths of the files that grow, so that a resumed run can cut off what came after its checkpoint. */
export type Lengths = Partial<Record<Growing, number>>

/** A run's folder belongs to one process at a time, from `create` or `enter` to `close`. */
export class RunFolder {
  readonly #place: Place | undefined
  readonly #lock: FolderLock | undefined
  readonly #path: string
  #growing: Partial<Record<Growing, AppendFile>> = {}
  /** Is told at once of lines that the disk does not take; they are tried again. */
  onUnwritten: (message: string) => void = () => {}

  private constructor(path: string, writer?: { place: Place; lock: FolderLock }) {
    this.#path = path
    this.#place = writer?.place
    this.#lock = writer?.lock
  }

  /** A folder that another rank writes: what is written here goes nowhere. */
  static follow(path: string): RunFolder {
    return new RunFolder(resolve(path))
  }

  /** Whether this process is the one that writes. */
  get writes(): boolean {
    return this.#lock !== undefined
  }

  /** Where the folder is, as far as is known. */
  get path(): string {
    return this.#place?.path ?? this.#path
  }

  /**
   * Makes sure that the folder still is where it was, and this run's. Once moved, it is known at its new place from then on.
   * @throws Displaced; ClipwrightError ERR_IO when another process has it
   */
  async requirePlace(): Promise<void> {
    try {
      await this.#place?.require()
    } finally {
      this.#lock?.follow(this.path)
    }
    const other = await this.#lock?.takenBy()
    if (!other) return
    const message = `train: ${this.path} is no longer this run's: its ${LOCK_NAME} was removed, and ${describeOwner(other)}, has it now. Nothing more is saved here.`
    throw new ClipwrightError('ERR_IO', message)
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
      await makeFolders(path)
      const folder = await RunFolder.#lockAt(path, 'out')
      try {
        await requireRoom(path, overwrite)
        // config.json tells that this is a run: it goes last and comes first, whenever the process ends.
        const others = ENTRIES.filter((entry) => entry !== CONFIG)
        for (const entry of others) await rm(join(path, entry), { recursive: true, force: true })
        await removeLeftovers(path)
        await folder.writeOptions(options)
        await makeFolders(join(path, CHECKPOINTS))
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
      const folder = await RunFolder.#lockAt(path, 'resume')
      try {
        await removeLeftovers(path)
        return folder
      } catch (error) {
        await folder.close().catch(() => {})
        throw error
      }
    })
  }

  static async #lockAt(path: string, option: string): Promise<RunFolder> {
    const lock = await FolderLock.take(path, inUse(option, path))
    try {
      return new RunFolder(path, { place: await Place.of(path), lock })
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /**
   * Opens the files that grow, cut to what the checkpoint knew.
   * @returns what is to be said of files that are shorter than that
   * @throws ClipwrightError ERR_IO
   */
  async openFiles(lengths: Lengths): Promise<Note[]> {
    const notes: Note[] = []
    if (!this.writes) return notes
    await fileSystem(this.path, async () => {
      for (const name of GROWING_FILES) {
        const path = join(this.path, GROWING[name])
        const known = lengths[name] ?? 0
        const length = await wholeLength(path, known)
        if (length < known) {
          const message = `${path} is shorter than its checkpoint knew it (${length} bytes of ${known} are whole); what is missing stays missing.`
          notes.push({ code: 'damaged', message })
        }
        const onFailure = (error: unknown) => this.onUnwritten((error as Error).message)
        this.#growing[name] = await AppendFile.open(path, length, onFailure)
      }
    })
    return notes
  }

  /**
   * The options that the run was started with: where config.json is damaged, as its log has them.
   * @returns also what is to be said of that
   * @throws ClipwrightError ERR_NOT_FOUND when there is no config.json, ERR_FORMAT when neither has them
   */
  async readOptions(): Promise<{ options: TrainOptions; notes: Note[] }> {
    const path = join(this.path, CONFIG)
    let text: string
    try {
      text = await readWholeText(path)
    } catch (cause) {
      throw noRun(this.path, cause)
    }
    const damage = damageOf(text, path)
    if (damage === undefined) return { options: JSON.parse(text), notes: [] }
    const { events } = await this.readLog().catch(() => ({ events: [] as unknown[] }))
    const start = events.findLast((event) => (event as TrainEvent).type === 'start') as TrainEvent & { type: 'start' }
    if (!start?.options) {
      throw new ClipwrightError(
        'ERR_FORMAT',
        `${damage} Neither has ${GROWING.log} the run's options; write them anew, or start a new run with "load".`,
      )
    }
    return {
      options: start.options,
      notes: [{ code: 'damaged', message: `${damage} Its options are taken from ${GROWING.log}.` }],
    }
  }

  /** `config.json`: every option with the value it had, so that `--config` can repeat the run in another `--out`. */
  async writeOptions(options: TrainOptions): Promise<void> {
    if (!this.writes) return
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

  /** What is saved beside a checkpoint: `part` is AVERAGES or ADAPTERS. */
  beside(part: string, name: string): string {
    return join(this.path, part, name)
  }

  /** A line with the time at which it was written. */
  log(event: object): void {
    this.append('log', `${JSON.stringify({ ...event, time: new Date().toISOString() })}\n`)
  }

  listBadSample(sample: object): void {
    this.append('bad', `${JSON.stringify(sample)}\n`)
  }

  /** Never waits; `onUnwritten` is told what went wrong. */
  append(file: Growing, data: string | Uint8Array): void {
    if (this.writes) this.#file(file).append(data)
  }

  /** Whether nothing was ever appended to this file. */
  isEmpty(file: Growing): boolean {
    return !this.writes || this.#file(file).isEmpty
  }

  /** Earlier lines of the log, to go on drawing its curves, and the numbers of those that are none, from 1. */
  async readLog(): Promise<{ events: unknown[]; damaged: number[] }> {
    const text = await fileSystem(this.path, () => readWholeText(join(this.path, GROWING.log)))
    const events: unknown[] = []
    const damaged: number[] = []
    for (const [i, line] of text.split('\n').entries()) {
      if (line === '') continue
      const event = parsed(line)
      if (typeof (event as TrainEvent | null)?.type === 'string') events.push(event)
      else damaged.push(i + 1)
    }
    return { events, damaged }
  }

  /** Of the files that grow, with what the disk has not taken yet. */
  lengths(): Lengths {
    if (!this.writes) return {}
    return Object.fromEntries(GROWING_FILES.map((name) => [name, this.#file(name).length]))
  }

  /** Waits until everything that was appended is on the disk, or pending because the disk does not take it now. */
  async flush(): Promise<void> {
    if (!this.writes) return
    for (const name of GROWING_FILES) await this.#file(name).flush()
  }

  /** Gives the folder free. @throws ClipwrightError ERR_IO when something could not be written */
  async close(): Promise<void> {
    const files = Object.values(this.#growing)
    this.#growing = {}
    const results = await Promise.allSettled(files.map((file) => file.close()))
    await this.#lock?.release()
    await this.#place?.close()
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

/** What is wrong with a config.json, if anything. */
function damageOf(text: string, path: string): string | undefined {
  const options = parsed(text)
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return undefined
  const got =
    options === undefined
      ? 'what is not JSON'
      : options === null
        ? 'null'
        : Array.isArray(options)
          ? 'a list'
          : String(options)
  return `${path} is damaged: expected an object with the run's options, got ${got}.`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function noRun(out: string, cause?: unknown): ClipwrightError {
  const message = `expected a run folder at ${out}, but it has no readable ${CONFIG}; give the folder that an earlier run wrote.`
  return new ClipwrightError('ERR_NOT_FOUND', message, { cause })
}

function inUse(option: string, path: string): (owner: Owner) => ClipwrightError {
  return (owner) => {
    const { silentMs } = owner
    if (silentMs === undefined)
      return invalid(
        `train: ${optionName(option)}: ${describeOwner(owner)}, is training in ${path}; wait until it ends, or stop it`,
      )
    const lock = join(path, LOCK_NAME)
    const minutes = Math.floor(silentMs / 60_000)
    return invalid(
      `train: ${optionName(option)}: ${describeOwner(owner)}, was training in ${path} and has shown no life for ${counted(minutes, 'minute')}; whether it has ended can be seen on ${owner.host} alone. Look there, and if it has, remove ${lock} and start again`,
    )
  }
}
