/** Memory that pictures may take while they are decoded and fitted, over all that are worked on at once. */
import { totalmem } from 'node:os'
import { ClipwrightError } from '../base/errors.js'

const MIB = 2 ** 20

/** An eighth of the memory that the process may take, 256 MiB at least and 2 GiB at most. */
export function pictureBudget(memory = allowedMemory()): number {
  return Math.min(Math.max(memory / 8, 256 * MIB), 2048 * MIB)
}

/** The machine's, or what the process's cgroup allows of it; Node.js answers 0, or more than there is, where nothing limits it. */
function allowedMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}

/** Lets work begin in the order it came, as far as the budget goes. */
export class Budget {
  readonly bytes: number
  #used = 0
  readonly #waiting: { bytes: number; begin: () => void }[] = []

  constructor(bytes: number) {
    this.bytes = bytes
  }

  /**
   * Runs the work once its bytes are free.
   * @throws ClipwrightError ERR_IMAGE for a picture that needs more than there is
   */
  async spend<T>(bytes: number, name: string, work: () => Promise<T>): Promise<T> {
    if (bytes > this.bytes) {
      const [needs, has] = [bytes, this.bytes].map((n) => Math.ceil(n / MIB))
      throw new ClipwrightError(
        'ERR_IMAGE',
        `${name} would take ${needs} MiB to decode, and pictures may take ${has} MiB on this machine; make it smaller.`,
      )
    }
    if (this.#waiting.length > 0 || this.#used + bytes > this.bytes)
      await new Promise<void>((begin) => this.#waiting.push({ bytes, begin }))
    else this.#used += bytes
    try {
      return await work()
    } finally {
      this.#used -= bytes
      while (this.#waiting.length > 0 && this.#used + this.#waiting[0]!.bytes <= this.bytes) {
        const next = this.#waiting.shift()!
        this.#used += next.bytes
        next.begin()
      }
    }
  }
}
