/** What can go wrong, as a stable code. The sentence in `message` says what was expected, where, and what to do. */
export type ErrorCode =
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_UNKNOWN_MODEL'
  | 'ERR_NOT_FOUND'
  /** A file is not what it claims to be. */
  | 'ERR_FORMAT'
  /** Weights, config and tokenizer disagree; all keys are listed. */
  | 'ERR_MISMATCH'
  | 'ERR_IMAGE'
  | 'ERR_DATA'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_NO_CUDA'
  | 'ERR_DEVICE'
  /** A pickle that wants to run code. */
  | 'ERR_UNSAFE'
  | 'ERR_DISPOSED'
  | 'ERR_IO'
  | 'ERR_UNSUPPORTED'

/** The one error class of the library. */
export class ClipwrightError extends Error {
  override readonly name = 'ClipwrightError'
  readonly code: ErrorCode
  /** All names that an ERR_MISMATCH is about; its message has the first few. */
  readonly keys?: readonly string[]

  /**
   * Made by the library.
   * @param message one sentence: where, what was expected, what came instead, what to do; its full stop may be left out
   */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { keys?: readonly string[] }) {
    super(/[.?!]$/.test(message) ? message : `${message}.`, options)
    this.code = code
    if (options?.keys) this.keys = options.keys
  }
}

/** What the caller handed over is not what was expected, see ClipwrightError's `message`. */
export function invalid(message: string): ClipwrightError {
  return new ClipwrightError('ERR_INVALID_ARGUMENT', message)
}
