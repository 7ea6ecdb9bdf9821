/**
 * UTF-8 and two widespread mistakes in writing it: CESU-8 (a surrogate pair as two sequences of three bytes) and
 * Java's two bytes C0 80 for U+0000. Equal to ftfy's codec `utf-8-variants`.
 */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes (as a binary string) as text, or undefined where they are not UTF-8. */
export function decodeUtf8(bytes: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}

// ftfy ends its patterns with Python's `$`, which also matches before a last line feed: there, and only there, that
// line feed is swallowed in place of the sequence's last byte. Lines end in one, so equality needs the same here.
const NUL = /\xc0(?:\x80|\n$)/
const CESU8 = /\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf](?:[\x80-\xbf]|\n$)/
const SPECIAL = new RegExp(`${NUL.source}|${CESU8.source}`, 'g')

/** Bytes (as a binary string) as text, or undefined where they are neither UTF-8 nor one of its variants. */
export function decodeUtf8Variants(bytes: string): string | undefined {
  let text = ''
  let start = 0
  for (const match of bytes.matchAll(SPECIAL)) {
    const before = decodeUtf8(bytes.slice(start, match.index))
    if (before === undefined) return undefined
    text += before + decodeSpecial(match[0])
    start = match.index + match[0].length
  }
  const rest = decodeUtf8(bytes.slice(start))
  return rest === undefined ? undefined : text + rest
}

function decodeSpecial(bytes: string): string {
  if (bytes[0] === '\xc0') return '\0'
  const bits = (index: number, mask: number) => bytes.charCodeAt(index) & mask
  // 1110 1101 1010 abcd 10ef ghij 1110 1101 1011 klmn 10op qrst
  const plane = (bits(1, 0x0f) << 16) | (bits(2, 0x3f) << 10) | (bits(4, 0x0f) << 6) | bits(5, 0x3f)
  return String.fromCodePoint(0x10000 + plane)
}
