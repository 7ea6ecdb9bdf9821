/** Identifiers of pictures: text with all of its digits, whether a file has it as text or as a number. */
import { ExactNumber } from '../files/exact-json.js'

/** The id that a JSON value is, if it is one. */
export function idOf(value: unknown): string | undefined {
  if (value instanceof ExactNumber) return value.source
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Values by their ids. An id that is not there as it is written is looked for without its leading zeros. */
export class ById<T> {
  readonly #exact = new Map<string, T>()
  /** Ids by what is left of them without zeros; made when the first is asked for. */
  #short: Map<string, string[]> | undefined

  get size(): number {
    return this.#exact.size
  }

  set(id: string, value: T): void {
    this.#exact.set(id, value)
    this.#short = undefined
  }

  entries(): IterableIterator<[string, T]> {
    return this.#exact.entries()
  }

  /**
   * The one value of an id, and the id as it is written here.
   * @param fail is told of several that could be meant
   */
  find(id: string, fail: (what: string) => never): { id: string; value: T } | undefined {
    const value = this.#exact.get(id)
    if (value !== undefined) return { id, value }
    this.#short ??= this.#withoutZeros()
    const like = this.#short.get(withoutZeros(id)) ?? []
    if (like.length > 1) return fail(`the id ${id} may be ${like.slice(0, 3).join(' or ')}; write it as it is there`)
    return like.length === 1 ? { id: like[0]!, value: this.#exact.get(like[0]!)! } : undefined
  }

  #withoutZeros(): Map<string, string[]> {
    const short = new Map<string, string[]>()
    for (const id of this.#exact.keys()) {
      const key = withoutZeros(id)
      const like = short.get(key)
      if (like) like.push(id)
      else short.set(key, [id])
    }
    return short
  }
}

function withoutZeros(id: string): string {
  return /^\d+$/.test(id) ? id.replace(/^0+(?=\d)/, '') : id
}
