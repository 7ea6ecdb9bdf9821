/** HTML character references to characters, by the rules of the HTML standard as Python's `html.unescape` applies them. */
import { ENTITIES, LEGACY_ENTITIES } from './entities.js'

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu

/** Numbers 0x80 to 0x9F mean Windows-1252, as in browsers; the unassigned ones keep their number. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178'

export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(REFERENCE, (whole, reference: string) => {
    if (reference[0] === '#') return numericReference(reference)
    return namedReference(reference) ?? whole
  })
}

function numericReference(reference: string): string {
  const hexadecimal = reference[1] === 'x' || reference[1] === 'X'
  const code = hexadecimal ? Number.parseInt(reference.slice(2), 16) : Number.parseInt(reference.slice(1), 10)
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd'
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252[code - 0x80]!
  return isForbidden(code) ? '' : String.fromCodePoint(code)
}

/** Controls and non-characters, which the standard calls parse errors and Python drops. */
function isForbidden(code: number): boolean {
  return (
    (code >= 0x01 && code <= 0x08) ||
    code === 0x0b ||
    (code >= 0x0e && code <= 0x1f) ||
    code === 0x7f ||
    (code >= 0xfdd0 && code <= 0xfdef) ||
    (code & 0xfffe) === 0xfffe
  )
}

/** The whole name, or its longest beginning that HTML also takes without a semicolon. */
function namedReference(reference: string): string | undefined {
  if (reference.endsWith(';')) {
    const characters = ENTITIES.get(reference.slice(0, -1))
    if (characters !== undefined) return characters
  }
  for (let length = reference.length; length > 1; length--) {
    const name = reference.slice(0, length)
    if (LEGACY_ENTITIES.has(name)) return ENTITIES.get(name)! + reference.slice(length)
  }
  return undefined
}
