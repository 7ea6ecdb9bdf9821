/** What a chart is, before anything is drawn: axes, curves and levels in the units of the data. */
import { tickStep, ticks } from 'd3-array'
import { format, precisionFixed } from 'd3-format'

export type Point = readonly [x: number, y: number]

export type Axis = {
  title: string
  /** The ends of the axis, the lower one first, and never the same. */
  domain: readonly [number, number]
  /** Ticks at whole numbers only. */
  whole?: boolean
  /** No tick beyond this, as beyond 100 percent. */
  lastTick?: number
}

export type Look = {
  colour: string
  /** Of the line, in pixels. */
  width: number
  opacity?: number
  /** As `stroke-dasharray` has it. */
  dash?: string
  /** At each point. */
  marker?: 'disc' | 'ring'
}

/** A line through points, with gaps where one is not finite. */
export type Curve = { points: readonly Point[]; look: Look }

export type Chart = {
  title: string
  x: Axis
  y: Axis
  /** Horizontal lines to compare with. */
  levels: readonly { y: number; look: Look }[]
  curves: readonly Curve[]
  legend: readonly { text: string; look: Look }[]
  /** An upright line, with its text above it. */
  best?: { x: number; text: string }
}

/** From the lowest to the highest finite value and a share of that beyond both; 0 to 1 where there is none. */
export function reaching(values: readonly number[], beyond: number): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return [0, 1]
  const room = high > low ? beyond * (high - low) : Math.abs(high) / 10 || 0.5
  return [low - room, high + room]
}

/** Round numbers within an axis, about `count` of them, and how they are written. */
export function axisTicks({ domain, whole, lastTick }: Axis, count: number): { value: number; text: string }[] {
  const [low, high] = [domain[0], Math.min(domain[1], lastTick ?? Number.POSITIVE_INFINITY)]
  const values = ticks(low, high, count).filter((value) => !whole || Number.isInteger(value))
  const digits = whole ? 0 : precisionFixed(tickStep(low, high, count))
  const largest = Math.max(Math.abs(low), Math.abs(high))
  // "15k" where digits would be many; a small loss has those that tell its ticks apart.
  const write = format(largest >= 1e4 ? '~s' : digits > 4 ? '~e' : `.${digits}f`)
  return values.map((value) => ({ value, text: write(value).replaceAll('−', '-') }))
}
