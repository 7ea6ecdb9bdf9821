/** Components of a tokenizer.json: tables by the name of their type, and what is said of those that no table has. */
import { z } from 'zod'
import { ClipwrightError } from '../../base/errors.js'

/** Where a component stands, for messages: the file, and the key in it. */
export type Place = { where: string; key: string; depth?: number }

/** How to make one of its settings. */
export type Row<T> = (settings: Record<string, unknown>, place: Place) => T

/** Sequences in sequences are made by recursion. */
const DEEPEST = 32

const shape = z.looseObject({ type: z.string() })

/** @throws ClipwrightError ERR_FORMAT */
export function damaged({ where, key }: Place, what: string): ClipwrightError {
  return new ClipwrightError('ERR_FORMAT', `${where}: "${key}": ${what}.`)
}

/** @throws ClipwrightError ERR_FORMAT naming a component that the table has not, or what is odd about its settings */
export function make<T>(table: Readonly<Record<string, Row<T>>>, value: unknown, place: Place): T {
  const parsed = shape.safeParse(value)
  if (!parsed.success) throw damaged(place, 'expected a component with a "type"')
  const { type } = parsed.data
  const row = Object.hasOwn(table, type) ? table[type] : undefined
  if (!row) {
    const known = Object.keys(table).join(', ')
    throw damaged(place, `the component ${JSON.stringify(type)} is not known; known are ${known}`)
  }
  if ((place.depth ?? 0) > DEEPEST) throw damaged(place, 'sequences lie too deep in each other')
  return row(parsed.data, { ...place, key: `${place.key} ${type}` })
}

/** Those of a sequence. @throws ClipwrightError ERR_FORMAT */
export function makeAll<T>(table: Readonly<Record<string, Row<T>>>, values: unknown, place: Place): T[] {
  if (!Array.isArray(values)) throw damaged(place, 'expected a list of components')
  const depth = (place.depth ?? 0) + 1
  return values.map((value: unknown) => make(table, value, { ...place, depth }))
}

/** Settings of the kinds that a component takes. @throws ClipwrightError ERR_FORMAT naming the first that is not */
export function settingsOf<S extends z.ZodType>(schema: S, value: unknown, place: Place): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw damaged(place, `${path.join('.') || 'it'}: ${message}`)
}
