/** Whether the pictures that a run measures on can be read: known at its start, not hours later at the first evaluation. */

import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '../base/counted.js'
import { some } from '../base/shorten.js'
import { examinePicture } from '../image/decode.js'
import { isPictureFault } from '../image/fault.js'
import type { PictureCache } from '../image/picture-cache.js'
import { loadPixels } from '../image/preprocess.js'
import { preprocessOptions } from '../image/preprocess-config.js'
import { type ImageAddress, nameOf } from '../image/source.js'
import type { PreparedRun } from './prepare.js'

/** Of the pictures of a run's validation list, if it has one. */
export function checkOf(
  { clip, val, settings }: Pick<PreparedRun, 'clip' | 'val' | 'settings'>,
  cache: PictureCache | undefined,
): PictureCheck {
  const manner = preprocessOptions(clip.preprocess)
  return new PictureCheck(val?.images ?? [], (picture) => loadPixels([picture], { ...manner, cache }), settings)
}

/** Every so manieth picture comes first, so that a check that is cut short has seen all parts of the list. */
const STRIDE = 16

/**
 * Looks at the beginnings of all pictures, which finds what is missing, then reads each whole. What does not fit before the
 * first step goes on beside the steps, one picture at a time.
 */
export class PictureCheck {
  readonly #pictures: readonly ImageAddress[]
  readonly #read: (picture: ImageAddress) => Promise<unknown>
  readonly #bad = new Set<ImageAddress>()
  #said = 0
  /** Looks are numbered first, then readings. */
  #next = 0
  #workers: number
  #onBad = () => {}
  #ended = false
  #work: Promise<unknown> | undefined

  /** @param read does with a picture what an evaluation does */
  constructor(
    pictures: readonly ImageAddress[],
    read: (picture: ImageAddress) => Promise<unknown>,
    { workers }: { workers: number },
  ) {
    this.#pictures = Array.from({ length: STRIDE }, (_, first) =>
      pictures.filter((_, i) => i % STRIDE === first),
    ).flat()
    this.#read = read
    this.#workers = workers
  }

  /** Checks for so many seconds, or until all is seen. @returns which pictures cannot be read, in words, if there are any */
  async before(seconds: number, signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return undefined
    const workers = seconds > 0 ? this.#workers : 1
    this.#work = Promise.all(Array.from({ length: workers }, (_, worker) => this.#check(worker)))
    const timer = new AbortController()
    const stop = () => timer.abort()
    signal.addEventListener('abort', stop)
    await Promise.race([this.#work, sleep(seconds * 1000, undefined, { signal: timer.signal }).catch(() => {})])
    signal.removeEventListener('abort', stop)
    timer.abort()
    this.#workers = 1
    return this.#found()
  }

  /** Goes on with what is left; of the first picture that is bad it is told at once, and of the others at the end. */
  beside(tell: (message: string) => void): void {
    const say = () => {
      const found = this.#ended ? undefined : this.#found()
      if (found === undefined) return
      tell(`${found}; they will end the run at its next evaluation unless they are repaired before.`)
    }
    this.#onBad = () => {
      this.#onBad = () => {}
      say()
    }
    this.#work?.then(say)
  }

  /** Ends it, after the picture that is being read; nothing more is said. */
  async end(): Promise<void> {
    this.#ended = true
    this.#workers = 0
    await this.#work
  }

  async #check(worker: number): Promise<void> {
    const { length } = this.#pictures
    while (worker < this.#workers && this.#next < 2 * length) {
      const job = this.#next++
      const picture = this.#pictures[job % length] as ImageAddress
      if (this.#bad.has(picture)) continue
      try {
        await (job < length ? examinePicture(picture) : this.#read(picture))
      } catch (error) {
        // What the machine is short of ends the check alone: who trains meets it, too, and says so.
        if (!isPictureFault(error)) return
        this.#bad.add(picture)
        this.#onBad()
      }
    }
  }

  /** What was not told before. */
  #found(): string | undefined {
    const names = [...this.#bad].slice(this.#said).map(nameOf)
    if (names.length === 0) return undefined
    const more = this.#said > 0 ? 'more ' : ''
    this.#said = this.#bad.size
    return `${counted(names.length, `${more}picture`)} of the validation list cannot be read: ${some(names, 5)}`
  }
}
