/** Bounds what a pickle may make of its bytes, so that a small file cannot fill the memory or the afternoon. */

/** Built from a file of any size; a checkpoint of 5,000 tensors takes a quarter of it. */
const FREE_BYTES = 32 << 20
/** Ten times those of the largest models' checkpoints; a second of them on a busy machine. */
const MAX_OPERATIONS = 4_000_000

export class Budget {
  #bytes: number
  #operations = MAX_OPERATIONS
  readonly #exceeded: (problem: string) => Error

  /** @param exceeded makes the error */
  constructor(pickleBytes: number, exceeded: (problem: string) => Error) {
    this.#bytes = FREE_BYTES + pickleBytes
    this.#exceeded = exceeded
  }

  /** @param bytes that an operation will take, about; most of it may be garbage soon */
  readonly spend = (bytes: number): void => {
    this.#bytes -= bytes
    if (this.#bytes < 0) throw this.#exceeded('its pickle builds far more than tensors need')
    if (--this.#operations < 0) throw this.#exceeded(`its pickle takes more than ${MAX_OPERATIONS} operations`)
  }
}

/** What values take in memory, about, with their place in a container. */
export const COST = {
  operation: 0,
  element: 16,
  number: 16,
  entry: 40,
  text: 96,
  list: 64,
  dict: 256,
  object: 128,
  memo: 96,
} as const
