/** Several values in one flag. */

/**
 * `0.5` → [0.5], `0:1:0.25` → [0, 0.25, 0.5, 0.75, 1]: both ends, where the step leads there.
 * @returns undefined for what is neither, or lies outside of 0 to 1
 */
export function alphaRange(text: string): number[] | undefined {
  const parts = text.split(':').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (!parts.every(Number.isFinite) || (parts.length !== 1 && parts.length !== 3)) return undefined
  const [from, to = from, step = 1] = parts as [number, number?, number?]
  if (from < 0 || to > 1 || to < from || step <= 0) return undefined
  // A tenth has no end in binary: counted, and not added up, the last value is there.
  const steps = Math.floor((to - from) / step + 1e-9)
  if (steps > 1000) return undefined
  return Array.from({ length: steps + 1 }, (_, i) => Math.min(to, Number((from + i * step).toPrecision(12))))
}
