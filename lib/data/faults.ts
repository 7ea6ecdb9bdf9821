/** Entries of lists that are not what they should be, where somebody counts them instead of ending with the first. */
import { ClipwrightError } from '../base/errors.js'
import { EmptyCaption } from './caption-text.js'

/** Names that are given of each kind of finding. */
export const EXAMPLES = 10

export class Faults {
  count = 0
  /** Those whose caption is empty. */
  empty = 0
  /** How many samples they leave out: a caption that is at fault may have others beside it. */
  samples = 0
  readonly examples: { name: string; error: string }[] = []

  add(where: string, { message, cause }: ClipwrightError, samples: 0 | 1): void {
    this.count++
    this.samples += samples
    if (cause instanceof EmptyCaption) this.empty++
    const prefix = `${where}: `
    const error = message.startsWith(prefix) ? message.slice(prefix.length) : message
    if (this.examples.length < EXAMPLES) this.examples.push({ name: where, error })
  }

  /** Those of a part. */
  join({ count, empty, samples, examples }: Faults): void {
    this.count += count
    this.empty += empty
    this.samples += samples
    this.examples.push(...examples.slice(0, EXAMPLES - this.examples.length))
  }
}

/**
 * @param where names the entry in messages
 * @param samples how many it leaves out when it is at fault
 * @returns undefined when it is, and there are `faults` to write that down in
 * @throws ClipwrightError what is wrong with it, without
 */
export function entryOr<T>(
  faults: Faults | undefined,
  where: string,
  read: () => T,
  samples: 0 | 1 = 1,
): T | undefined {
  if (!faults) return read()
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ClipwrightError)) throw error
    faults.add(where, error, samples)
    return undefined
  }
}
