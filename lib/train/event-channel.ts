/** Hands events to any number of readers without ever waiting for them. */

/** Unread events kept for a reader; a run of many hours must not fill the memory because nobody listens. */
export const KEPT_EVENTS = 4096

type Settle<E> = { resolve(result: IteratorResult<E>): void; reject(error: unknown): void }

/**
 * A reader that starts late first gets the last KEPT_EVENTS events, then the live ones. A reader that falls behind
 * loses its oldest events, never the newest.
 */
export class EventChannel<E> {
  readonly #history: E[] = []
  readonly #readers = new Set<Reader<E>>()
  #end: { error?: unknown } | undefined

  push(event: E): void {
    keep(this.#history, event)
    for (const reader of this.#readers) reader.push(event)
  }

  /** Readers finish after their last unread event, or throw the error there. */
  close(failure?: { error: unknown }): void {
    this.#end = failure ?? {}
    for (const reader of this.#readers) reader.close(this.#end)
    this.#readers.clear()
  }

  read(): AsyncIterableIterator<E> {
    const reader: Reader<E> = new Reader(this.#history, () => this.#readers.delete(reader))
    if (this.#end) reader.close(this.#end)
    else this.#readers.add(reader)
    return reader
  }
}

class Reader<E> implements AsyncIterableIterator<E> {
  readonly #unread: E[]
  readonly #waiting: Settle<E>[] = []
  readonly #leave: () => void
  #end: { error?: unknown } | undefined

  constructor(history: readonly E[], leave: () => void) {
    this.#unread = [...history]
    this.#leave = leave
  }

  push(event: E): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve({ value: event, done: false })
    else keep(this.#unread, event)
  }

  close(end: { error?: unknown }): void {
    this.#end = end
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting)
  }

  next(): Promise<IteratorResult<E>> {
    return new Promise((resolve, reject) => {
      const event = this.#unread.shift()
      if (event !== undefined) resolve({ value: event, done: false })
      else if (this.#end) this.#finish({ resolve, reject })
      else this.#waiting.push({ resolve, reject })
    })
  }

  async return(): Promise<IteratorResult<E>> {
    this.#leave()
    this.#unread.length = 0
    this.close({})
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<E> {
    return this
  }

  #finish({ resolve, reject }: Settle<E>): void {
    const end = this.#end ?? {}
    // An error is thrown once; whoever asks again is told that there is nothing more.
    this.#end = {}
    if ('error' in end) reject(end.error)
    else resolve({ value: undefined, done: true })
  }
}

function keep<E>(events: E[], event: E): void {
  events.push(event)
  if (events.length > KEPT_EVENTS) events.shift()
}
