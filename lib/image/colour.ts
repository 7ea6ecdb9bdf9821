/** Colours as options name them. */

export type Rgb = readonly [red: number, green: number, blue: number]

/** `#rgb` or `#rrggbb`. */
export const COLOUR = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i
export const COLOUR_EXPECTED = 'expected a colour such as #fff or #ffffff'

/** Of what `COLOUR` matches. */
export function parseColour(text: string): Rgb {
  const digits = text.length === 4 ? text.slice(1).replace(/./g, '$&$&') : text.slice(1)
  const [red, green, blue] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ]
  return [red, green, blue]
}
