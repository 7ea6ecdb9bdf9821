/** What the machine is short of for the moment: open files, memory. It is nobody's fault who asked for them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isError } from '../base/brands.js'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'

/** What a disk, a mount or a signal may answer now and not the next time. What lasts is told after a few tries. */
const PASSING: readonly string[] = ['EIO', 'EINTR', 'EAGAIN', 'ESTALE', 'ETIMEDOUT']
const TRIES = 3

/** Five seconds in all. */
const WAITS_MS = [50, 100, 200, 400, 800, 1500, 2000]

const CODES: Readonly<Record<string, 'files' | 'memory'>> = {
  EMFILE: 'files',
  ENFILE: 'files',
  ENOMEM: 'memory',
  ERR_MEMORY_ALLOCATION_FAILED: 'memory',
  ERR_OUT_OF_MEMORY: 'memory',
}
/** As libvips, its decoders, libc and V8 say it, who have no codes for it. */
const FILES = /too many open files/i
const MEMORY =
  /out of memory|(insufficient|not enough) memory|cannot allocate memory|allocation failed|unable to (malloc|mmap|allocate|create thread)/i

/** What an error, or what it was caused by, says to be short. */
export function shortageOf(error: unknown): 'files' | 'memory' | undefined {
  if (!isError(error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  const known =
    CODES[code ?? ''] ?? (FILES.test(error.message) ? 'files' : MEMORY.test(error.message) ? 'memory' : undefined)
  return known ?? shortageOf(error.cause)
}

function mayPass(error: unknown): boolean {
  if (!isError(error)) return false
  return PASSING.includes((error as NodeJS.ErrnoException).code ?? '') || mayPass(error.cause)
}

/**
 * Does work that may meet a shortage or a fault of the moment, and does it again after a while when it did.
 * @param what is being done, for the message: `reading a.jpg`
 * @throws ClipwrightError ERR_IO for want of open files, ERR_OUT_OF_MEMORY for want of memory, when the shortage lasts;
 *   other errors pass as they are
 */
export async function withPatience<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const shortage = shortageOf(error)
      if (shortage === undefined && !(mayPass(error) && attempt < TRIES)) throw error
      const wait = WAITS_MS[attempt]
      if (wait === undefined) throw lasting(what, shortage!, error as Error)
      await sleep(wait)
    }
  }
}

function lasting(what: string, shortage: 'files' | 'memory', cause: Error): ClipwrightError {
  const reason = cause.message.split('\n')[0]
  const workers = optionName('workers', 'workers')
  if (shortage === 'files') {
    const message = `${what} failed because too many files are open on this machine or in this process (${reason}); raise the limit (ulimit -n) or lower ${workers}.`
    return new ClipwrightError('ERR_IO', message, { cause })
  }
  const message = `${what} failed because the machine has no memory left for it (${reason}); lower ${workers} or ${optionName('batchSize', 'batchSize')}, or end other programs.`
  return new ClipwrightError('ERR_OUT_OF_MEMORY', message, { cause })
}
