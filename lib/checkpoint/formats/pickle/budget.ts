/** Bounds what a pickle may make of its bytes, so that a small file cannot fill the memory or the afternoon. */

/** For a file of any size, and beside it for each of its bytes: 10,000 tensors take 33 MiB. */
const FREE_BYTES = 32 << 20
const BYTES_PER_BYTE = 2
/** Those of 45,000 tensors; a second of them on a busy machine. */
const MAX_OPERATIONS = 4_000_000

export class Budget {
  #bytes: number
  #operations = MAX_OPERATIONS
  readonly #exceeded: (problem: string) => Error

  /** @param exceeded makes the error */
  constructor(fileBytes: number, exceeded: (problem: string) => Error) {
    this.#bytes = FREE_BYTES + BYTES_PER_BYTE * fileBytes
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
  list: 80,
  dict: 256,
  object: 128,
  memo: 96,
  /** In all the tables that a file's reader keeps. */
  tensor: 512,
} as const
