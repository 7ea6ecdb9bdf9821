/** Colours as options name them. */
import { z } from 'zod'

export type Rgb = readonly [red: number, green: number, blue: number]

/** `#rgb` or `#rrggbb`. */
export const colourSchema = z
  .string()
  .regex(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i, { error: 'expected a colour such as #fff or #ffffff' })

/** Of what `colourSchema` lets pass. */
export function parseColour(text: string): Rgb {
  const digits = text.length === 4 ? text.slice(1).replace(/./g, '$&$&') : text.slice(1)
  const [red, green, blue] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ]
  return [red, green, blue]
}
