/** Whether there is memory for a second copy of all that a checkpoint holds, so that steps go on while it is written. */
import { freemem } from 'node:os'
import { bytesOf } from '../base/bytes.js'
import { SpareArrays } from '../base/spare-arrays.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { sessionOf } from '../clip/session.js'
import { copiesKept } from '../optim/moments.js'
import { plannedBytes } from './fits.js'
import { mib } from './memory-fit.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

/** Of what is free, at most so much: pictures, the files' way to the disk and others need some. */
const TAKEN = 0.8

export class CopyRoom {
  readonly #run: PreparedRun
  readonly #voice: Voice
  #arrays: SpareArrays | undefined
  #said = false

  constructor(run: PreparedRun, voice: Voice) {
    this.#run = run
    this.#voice = voice
  }

  /** What to copy into, the same memory each time; undefined where there is none, which is said once. */
  async arrays(): Promise<SpareArrays | undefined> {
    if (this.#arrays) return this.#arrays
    const bytes = copyBytes(this.#run)
    const free = await this.#free()
    if (bytes <= free) {
      this.#arrays = new SpareArrays()
      return this.#arrays
    }
    if (!this.#said) {
      const message = `steps wait while a checkpoint is written: a copy of it to write beside them takes ${mib(bytes)}, but ${mib(Math.max(free, 0))} are free for it.`
      this.#voice.warn('memory', message)
    }
    this.#said = true
    return undefined
  }

  async #free(): Promise<number> {
    const { clip, settings, teacher } = this.#run
    const free = TAKEN * (process.availableMemory?.() ?? freemem())
    const memory = settings.memory === undefined ? undefined : bytesOf(settings.memory)
    if (memory === undefined || clip.device.startsWith('cuda')) return free
    return Math.min(free, memory - (await plannedBytes(clip, settings, teacher)))
  }
}

/** Of values, moments and averages, as `beginSave` and `beginSaveBeside` copy them. */
export function copyBytes({ clip, settings }: Pick<PreparedRun, 'clip' | 'settings'>): number {
  const session = sessionOf(clip, 'train')
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
  const sizes = session.parameters.map(({ shape }) => elementCount(shape))
  const learned = sum(sizes.filter((_, index) => session.isTrainable(index)))
  const own = sum(sizes.slice(0, session.own.length))
  const models = settings.ema === undefined ? 1 : 2
  const adapters = session.adapters ? 2 * learned : 0 // of the run's state, and alone
  return 4 * (models * own + copiesKept(settings) * learned + adapters)
}
