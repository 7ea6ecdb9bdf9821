/** How often something happens: so many steps, or a time as people write it: 90s, 10m, 1.5h. */
import type { CheckedKind } from './kinds.js'

const UNITS = { s: 1000, m: 60_000, h: 3_600_000 } as const

/** One of the two. */
export type Interval = { steps?: number; ms?: number }

const EXPECTED = 'a number of steps, or a time such as 90s, 10m or 1.5h'

/** Undefined for what is neither. */
export function intervalOf(given: number | string): Interval | undefined {
  const text = String(given).trim()
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(text) ?? []
  const number = Number(digits)
  if (digits === undefined || !(number > 0)) return undefined
  if (unit) return { ms: number * UNITS[unit as keyof typeof UNITS] }
  return Number.isSafeInteger(number) ? { steps: number } : undefined
}

/** Steps as a number or as digits, a time as text. */
export const interval: CheckedKind<number | string> = {
  flag: {
    value: '<steps|time>',
    expected: EXPECTED,
    read: (text) => {
      const found = intervalOf(text)
      return found && (found.steps ?? text.trim())
    },
  },
  schema: (z) =>
    z
      .union([z.number(), z.string()])
      .refine((given) => intervalOf(given) !== undefined, { error: `expected ${EXPECTED}` }),
}
