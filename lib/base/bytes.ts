/** Sizes of memory as people write them: 16G, 800M, 1.5GiB, a number of bytes. */
import { counted } from './counted.js'
import type { CheckedKind } from './kinds.js'

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const

/** Of 1024 each; undefined for what is no size. */
export function bytesOf(size: number | string): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size > 0 ? size : undefined
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(size.trim()) ?? []
  if (digits === undefined) return undefined
  const bytes = Math.round(Number(digits) * UNITS[unit!.toUpperCase() as keyof typeof UNITS])
  return bytes > 0 ? bytes : undefined
}

/** In the largest unit of which there is one at least: `577.1 MiB`, `22.9 KiB`, `1 byte`. */
export function sizeText(bytes: number): string {
  if (bytes < UNITS.K) return counted(bytes, 'byte')
  return bytes < UNITS.M ? `${(bytes / UNITS.K).toFixed(1)} KiB` : `${(bytes / UNITS.M).toFixed(1)} MiB`
}

/** Given as text or as bytes. */
export const memorySize: CheckedKind<number | string> = {
  flag: { value: '<size>', expected: 'a size such as 16G or 800M', read: (text) => bytesOf(text) },
  schema: (z) =>
    z.union([z.number(), z.string()]).refine((size) => bytesOf(size) !== undefined, {
      error: 'expected a size such as 16G or 800M, or a number of bytes',
    }),
}
