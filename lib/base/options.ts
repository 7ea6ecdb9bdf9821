/** Checks of option objects, before anything crosses into C++. */
import type { z } from 'zod'
import { ClipwrightError } from './errors.js'
import type { CheckedKind, Zod } from './kinds.js'
import { nearest } from './nearest.js'
import type { Options, ValueOf } from './option.js'
import { optionName } from './option-names.js'
import { shorten } from './shorten.js'

/** Schemas by name. */
export type Shape<O extends Options> = {
  [K in keyof O]: O[K]['default'] extends undefined
    ? z.ZodOptional<z.ZodType<ValueOf<O[K]>>>
    : z.ZodDefault<z.ZodType<ValueOf<O[K]>>>
}

/** What a strict object of these options consists of. */
export function shapeOf<const O extends Options>(options: O, zod: Zod): Shape<O> {
  const schemas = Object.entries(options).map(([name, { kind, default: usual }]) => {
    const schema = (kind as CheckedKind<unknown>).schema(zod)
    return [name, usual === undefined ? schema.optional() : schema.default(usual)]
  })
  return Object.fromEntries(schemas)
}

/**
 * Validates an option object with a strict zod schema and fills in its defaults.
 * @param where what the options belong to, as the user wrote it: `train`, `Clip.create`
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming the option, what was expected and what came; for an unknown key
 *   the nearest known one is offered.
 */
export function parseOptions<S extends z.ZodObject>(schema: S, options: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(options ?? {})
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  // A misspelt key says more than that the right one is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  const message = issue ? describe(issue, schema, options) : 'the options are not valid'
  throw new ClipwrightError('ERR_INVALID_ARGUMENT', `${where}: ${message}`, { cause: parsed.error })
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodObject, options: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const key = String(issue.keys[0])
    const close = nearest(key, keysAt(schema, issue.path))
    const full = [...issue.path, key].join('.')
    return `there is no ${optionName(full)}${close ? `; did you mean "${close}"?` : ''}`
  }
  if (issue.path.length === 0) return `expected an object of options, got ${show(options)}`
  const name = optionName(issue.path.join('.'))
  const value = valueAt(options, issue.path)
  if (value === undefined && UNSAID.test(issue.message)) return `${name} is missing`
  const expected = expectation(issue)
    .replace(/^[A-Z][a-z ]+: (?=expected)/, '')
    .replace(/, received .*$/, '')
    .replace(BOUND, inWords)
  return `${name}: ${expected}, got ${show(value)}`
}

/** What zod says where nothing came, and it does not know in short what should have. */
const UNSAID = /^Invalid input$|expected nonoptional/

/** Of a choice of types that has no words of its own, what each of them expects. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') return issue.message
  const kinds = issue.errors.map(([first]) => first?.path.length === 0 && first.message.match(/expected (\w+)/)?.[1])
  const named = [...new Set(kinds)].filter((kind) => kind)
  return named.length > 0 ? `expected ${named.join(' or ')}` : issue.message
}

/** As zod says bounds. */
const BOUND = /expected (?:number|int) to be (>=|>|<=|<)(\S+)/
const WORDS: Record<string, string> = { '>=': 'of at least', '>': 'above', '<=': 'of at most', '<': 'below' }

function inWords(_: string, sign: string, bound: string): string {
  return `expected a number ${WORDS[sign]} ${bound}`
}

/** The keys that the object at this place may have. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const { def } = (schema as z.ZodType)._zod as { def: Partial<Places> }
  if (def.innerType) return keysAt(def.innerType, path)
  const [key, ...rest] = path
  if (key === undefined) return Object.keys(def.shape ?? {})
  const next = def.element ?? def.shape?.[String(key)]
  return next ? keysAt(next, rest) : []
}

/** Where zod keeps what lies inside a schema: of an optional one, a list, an object. */
type Places = { innerType: z.core.$ZodType; element: z.core.$ZodType; shape: Record<string, z.core.$ZodType> }

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  let current = value
  for (const key of path) current = (current as Record<PropertyKey, unknown> | undefined)?.[key]
  return current
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return shorten(JSON.stringify(value))
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'function' ? 'a function' : `an object (${value.constructor?.name ?? 'no class'})`
}
