/** A file on a web server, read by ranges: tried again where that may help, and held to be the same file throughout. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClipwrightError } from '../../base/errors.js'
import { limited } from '../../base/limited.js'
import { packageVersion } from '../../base/version.js'
import { brokenConnection, Passing } from '../../hub/failures.js'
import { StoreFailure } from '../../image/fault.js'
import type { ByteFile } from './byte-file.js'

/** What a distant reading costs besides its bytes, in bytes: a few hundredths of a second. */
export const REMOTE_STRIDE = 256 << 10
/** Requests under way at once, to all servers together. */
const AT_ONCE = 32
const WAITS_MS = [500, 1000, 2000, 4000, 8000]
const LONGEST_WAIT_MS = 300_000
const USUAL_TIMEOUT_S = 30

const ask = limited(AT_ONCE, <T>(work: () => Promise<T>) => work() as Promise<unknown>) as <T>(
  work: () => Promise<T>,
) => Promise<T>

/**
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IO for a server that refuses, does not answer or has no ranges; what it reads
 *   later throws ERR_DATA when the file was changed on its server
 */
export async function openHttp(url: string): Promise<ByteFile> {
  const { size, tag } = await patiently(url, () =>
    ranged(url, 0, 1, async (response) => {
      await response.body?.cancel()
      return { size: response.status === 416 ? 0 : sizeOf(response, url), tag: tagOf(response) }
    }),
  )
  const read = async (offset: number, length: number) => {
    const wanted = Math.max(0, Math.min(length, size - offset))
    if (wanted === 0) return Buffer.alloc(0)
    return patiently(url, () =>
      ranged(url, offset, wanted, async (response) => {
        if (sizeOf(response, url) !== size || tagOf(response) !== tag) {
          await response.body?.cancel()
          throw changed(url)
        }
        const bytes = Buffer.from(await response.arrayBuffer())
        if (bytes.length === wanted) return bytes
        throw new Passing(`${hostOf(url)} sent ${bytes.length} of ${wanted} bytes`)
      }),
    )
  }
  return { path: url, size, tag: `${size} ${tag}`, stride: REMOTE_STRIDE, read }
}

/** One request, until all of its answer was used. */
function ranged<T>(url: string, offset: number, length: number, use: (response: Response) => Promise<T>): Promise<T> {
  return silent(url, async (signal) => {
    const response = await fetch(url, {
      signal,
      headers: {
        range: `bytes=${offset}-${offset + length - 1}`,
        'user-agent': `clipwright/${packageVersion()}`,
        // Places are those in the file.
        'accept-encoding': 'identity',
      },
    })
    if (response.status === 206 || (response.status === 416 && offset === 0)) return use(response)
    await response.body?.cancel()
    throw refusal(url, response)
  })
}

/** `bytes 0-0/1234` */
function sizeOf({ headers, status }: Response, url: string): number {
  const size = Number(/^bytes (?:\d+-\d+|\*)\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
  if (Number.isSafeInteger(size)) return size
  throw new ClipwrightError('ERR_IO', `${url}: the server answered ${status} without the file's size in Content-Range`)
}

function tagOf({ headers }: Response): string {
  return headers.get('etag') ?? headers.get('last-modified') ?? ''
}

function refusal(url: string, { status, headers }: Response): Error {
  if (status === 404 || status === 410) {
    return new ClipwrightError('ERR_NOT_FOUND', `expected a file at ${url}, but the server has none (${status})`, {
      cause: new StoreFailure(),
    })
  }
  if (status === 401 || status === 403) {
    const message = `the server refuses ${url} (${status}); is its address still valid, and may it be read without an account?`
    return new ClipwrightError('ERR_IO', message, { cause: new StoreFailure() })
  }
  if (status === 200) {
    const message = `the server of ${url} sends whole files only, where parts are needed; copy the file to a disk first, or serve it with ranges`
    return new ClipwrightError('ERR_IO', message, { cause: new StoreFailure() })
  }
  if (status !== 408 && status !== 429 && status < 500) {
    return new ClipwrightError('ERR_IO', `the server answered ${status} when asked for ${url}`, {
      cause: new StoreFailure(),
    })
  }
  const after = headers.get('retry-after')
  const seconds =
    after === null ? Number.NaN : Number.isNaN(Number(after)) ? (Date.parse(after) - Date.now()) / 1000 : Number(after)
  const waitMs = Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : undefined
  return new Passing(`${hostOf(url)} answered ${status}`, { waitMs })
}

export function changed(url: string): ClipwrightError {
  const message = `${url} is another file than it was when it was opened: its server has changed it; start again with the new one, or put the old one back`
  return new ClipwrightError('ERR_DATA', message)
}

/** Work that takes too long is ended. @throws Passing, or ClipwrightError where trying again cannot help */
async function silent<T>(url: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ms = 1000 * (Number(process.env.CLIPWRIGHT_HTTP_TIMEOUT) || USUAL_TIMEOUT_S)
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new Passing(`${hostOf(url)} did not answer within ${ms / 1000} s`))
    }, ms)
  })
  try {
    return await Promise.race([work(controller.signal), late])
  } catch (error) {
    throw error instanceof Passing || error instanceof ClipwrightError ? error : brokenConnection(error, hostOf(url))
  } finally {
    clearTimeout(timer)
  }
}

/** @throws ClipwrightError ERR_IO, which is no picture's fault, when trying again does not help */
export function patiently<T>(url: string, work: () => Promise<T>): Promise<T> {
  return ask(async () => {
    for (let failures = 0; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Passing)) throw error
        const waitMs = failures < WAITS_MS.length ? (error.waitMs ?? WAITS_MS[failures]!) : undefined
        if (waitMs !== undefined && waitMs <= LONGEST_WAIT_MS) await sleep(waitMs)
        else {
          const cause = new StoreFailure(error.message, { cause: error })
          throw new ClipwrightError('ERR_IO', `${url} could not be read (${error.message}), also after several tries`, {
            cause,
          })
        }
      }
    }
  })
}

function hostOf(url: string): string {
  return new URL(url).host
}
