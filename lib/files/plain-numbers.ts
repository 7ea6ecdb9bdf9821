/** Numbers as a JSON text spells them, which JSON.parse does not tell. */
import { endOfString } from './duplicate-keys.js'

/**
 * The first number in a list under one of these keys that is not spelt in digits alone (`4.0`, `4e0`, `-0`), or undefined.
 * Readers in other languages take such numbers for fractions.
 *
 * @param json must be valid
 */
export function findOddNumber(json: string, keys: ReadonlySet<string>): string | undefined {
  let key: string | undefined
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const c = json[i]!
    if (c === '"') {
      const end = endOfString(json, i)
      if (depth === 0) key = JSON.parse(json.slice(i, end)) as string
      i = end - 1
    } else if (c === '[') depth++
    else if (c === ']') depth--
    else if (c === '{' || c === ',') {
      if (depth === 0) key = undefined
    } else if (depth > 0 && key !== undefined && keys.has(key) && /[-\d]/.test(c)) {
      const [number] = /^[-+.\deE]+/.exec(json.slice(i, i + 400))!
      if (!/^\d+$/.test(number)) return number
      i += number.length - 1
    }
  }
  return undefined
}
