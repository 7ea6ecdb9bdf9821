/** JSON whose numbers keep their digits: an id beyond 2^53 is read as it was written. */
import { parseJson } from './json.js'

/** A number that a double would write otherwise, as the file has it. */
export class ExactNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** Strings, which are passed over, and numbers. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/gs
/** Seen much sooner than all tokens: a long number, a fraction or an exponent where a number may begin. */
const MAY_DIFFER = /(?:^|[:[,\s])(?:-?\d{16}|-?\d+(?:\.\d|[eE])|-0)/
const MARK = '\0number '

/**
 * `parseJson`, with an ExactNumber in place of each number whose text a double does not give back: `JSON.parse` with
 * access to the source is not in every Node.js that this runs on.
 * @throws ClipwrightError ERR_FORMAT, in one line
 */
export function parseExactJson(text: string, where: string): unknown {
  if (!MAY_DIFFER.test(text)) return parseJson(text, where)
  let marked = 0
  const exact = text.replace(TOKENS, (token) => {
    if (token.startsWith('"') || String(Number(token)) === token) return token
    marked++
    return JSON.stringify(MARK + token)
  })
  if (marked === 0) return parseJson(text, where)
  return revive(parseJson(exact, where))
}

/** In place, and not by a reviver: only what was parsed a moment ago is changed, however deep it lies. */
function revive(parsed: unknown): unknown {
  const top = { value: parsed }
  const waiting: object[] = [top]
  for (let holder = waiting.pop(); holder !== undefined; holder = waiting.pop()) {
    for (const [key, value] of Object.entries(holder)) {
      if (typeof value === 'object' && value !== null) waiting.push(value)
      if (typeof value !== 'string' || !value.startsWith(MARK)) continue
      const exact = new ExactNumber(value.slice(MARK.length))
      // Defined, not assigned: a key may be "__proto__".
      Object.defineProperty(holder, key, { value: exact, enumerable: true, writable: true, configurable: true })
    }
  }
  return top.value
}
