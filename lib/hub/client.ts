/** Asking a hub: redirects, tokens that stay with their host, silence, limits and connections that break. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClipwrightError } from '../base/errors.js'
import { packageVersion } from '../base/version.js'
import { type Asked, brokenConnection, lasting, Passing, refusal } from './failures.js'
import type { HubSettings } from './settings.js'

/** Between tries that brought nothing; where nothing answers at all, the first two. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000]
const UNREACHABLE_TRIES = 2
/** A hub that wants a longer pause is not waited for. */
const LONGEST_WAIT_MS = 300_000
const MOST_REDIRECTS = 10
/** Of a listing: nobody sends gigabytes of names. */
const MOST_BYTES = 64 << 20

/** An answer whose body is read under the same watch on silence. */
export type Answer = {
  response: Response
  body: AsyncIterable<Uint8Array>
  /** Of a body that nobody reads. */
  cancel(): Promise<void>
}

export class HubClient {
  readonly #settings: HubSettings
  readonly #asked: Asked
  readonly #say: (sentence: string) => void

  /** @param say is told of waits */
  constructor(settings: HubSettings, asked: Asked, say: (sentence: string) => void) {
    this.#settings = settings
    this.#asked = asked
    this.#say = say
  }

  /** As `fetch`, for what is small: the answer is there in full, or an error that says why not. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const accept = new Headers(init?.headers).get('accept')
    return this.patiently(async () => {
      const { response, body } = await this.open(url, accept ? { accept } : {})
      const parts: Uint8Array[] = []
      let bytes = 0
      for await (const part of body) {
        parts.push(part)
        bytes += part.length
        if (bytes > MOST_BYTES) throw new ClipwrightError('ERR_FORMAT', `${url} answers with more than a listing has.`)
      }
      const { status, headers } = response
      return new Response(Buffer.concat(parts), { status, headers: plain(headers) })
    })
  }

  /**
   * Does work again where it failed for a while.
   * @param reached grows when the work gets further, which makes it worth trying on
   * @throws ClipwrightError ERR_IO when that does not help; other errors pass as they are
   */
  async patiently<T>(work: () => Promise<T>, reached: () => number = () => 0): Promise<T> {
    let failures = 0
    for (let best = reached(); ; ) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Passing)) throw error
        if (reached() > best) failures = 0
        best = Math.max(best, reached())
        const most = error.unreachable ? UNREACHABLE_TRIES : WAITS_MS.length
        const waitMs = failures < most ? (error.waitMs ?? WAITS_MS[failures]!) : undefined
        if (waitMs === undefined || waitMs > LONGEST_WAIT_MS) throw lasting(error, this.#asked)
        failures++
        this.#say(`${error.message}; trying again in ${seconds(waitMs)}`)
        await sleep(waitMs)
      }
    }
  }

  /**
   * One request, without trying again.
   * @param file what is asked for, for messages
   * @throws Passing, ClipwrightError ERR_NOT_FOUND, ERR_IO
   */
  async open(url: string, headers: Record<string, string>, file?: string): Promise<Answer> {
    const silence = new Silence(this.#settings.timeoutMs)
    const response = await this.#follow(url, headers, silence)
    if (response.ok || response.status === 416) {
      return { response, body: read(response, silence), cancel: () => cancel(response) }
    }
    if (response.status !== 408 && response.status !== 429 && response.status < 500) {
      throw await refusal(response, this.#asked, file)
    }
    await cancel(response)
    const { host } = new URL(response.url)
    const waitMs = retryAfter(response)
    if (response.status !== 429) throw new Passing(`${host} answered ${response.status}`, { waitMs })
    const wants = waitMs === undefined ? '' : `, and wants a pause of ${seconds(waitMs)}`
    throw new Passing(`${host} limits how often it is asked${wants}`, { waitMs })
  }

  async #follow(from: string, headers: Record<string, string>, silence: Silence): Promise<Response> {
    const own = new URL(this.#settings.endpoint).origin
    let url = new URL(from)
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const { token } = this.#settings
      const response = await silence.watch(url.host, (signal) =>
        fetch(url.href, {
          redirect: 'manual',
          signal,
          headers: {
            ...headers,
            'user-agent': `clipwright/${packageVersion()}`,
            // Lengths are those of the files.
            'accept-encoding': 'identity',
            ...(token !== undefined && url.origin === own && { authorization: `Bearer ${token}` }),
          },
        }),
      )
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
      if (location === null) return response
      await cancel(response)
      const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
      const isWeb = next?.protocol === 'https:' || (next?.protocol === 'http:' && url.protocol === 'http:')
      if (!next || !isWeb)
        throw new ClipwrightError('ERR_IO', `${url.host} sends on to ${location}, which is not followed.`)
      url = next
    }
    throw new ClipwrightError('ERR_IO', `${from} is sent on more than ${MOST_REDIRECTS} times; is HF_ENDPOINT right?`)
  }
}

async function* read(response: Response, silence: Silence): AsyncIterable<Uint8Array> {
  const { host } = new URL(response.url)
  const reader = response.body?.getReader()
  try {
    while (reader) {
      const { done, value } = await silence.watch(host, () => reader.read())
      if (done) return
      yield value
    }
  } finally {
    await reader?.cancel().catch(() => {})
  }
}

async function cancel({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => {})
}

/** Ends a request that has been silent for too long. */
class Silence {
  readonly #controller = new AbortController()
  readonly #longestMs: number

  constructor(longestMs: number) {
    this.#longestMs = longestMs
  }

  /** @throws Passing, or ClipwrightError ERR_IO where trying again cannot help */
  async watch<T>(host: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#controller.abort(), this.#longestMs)
    try {
      return await work(this.#controller.signal)
    } catch (error) {
      if (!this.#controller.signal.aborted) throw brokenConnection(error, host)
      throw new Passing(`${host} has said nothing for ${seconds(this.#longestMs)}`)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** In seconds or as a date; or the hub's own header, `"api";r=0;t=55`. */
function retryAfter({ headers }: Response): number | undefined {
  const given = headers.get('retry-after')
  const own = /\bt=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]
  const waits =
    given === null ? Number(own) : Number.isNaN(Number(given)) ? (Date.parse(given) - Date.now()) / 1000 : Number(given)
  return Number.isFinite(waits) ? Math.max(waits, 0) * 1000 : undefined
}

/** What says how a body was sent is not true of one that was read. */
function plain(headers: Headers): Headers {
  const copy = new Headers(headers)
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) copy.delete(name)
  return copy
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}
