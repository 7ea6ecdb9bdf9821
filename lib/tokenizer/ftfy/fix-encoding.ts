/** Undoes mojibake: text that was written in UTF-8 and read in a single-byte encoding, perhaps several times over. */
import { isBad } from './badness.js'
import { fixC1Controls } from './c1-controls.js'
import { CHARMAPS, type Charmap } from './charmaps.js'
import { replaceLossySequences, restoreByteA0 } from './damaged-utf8.js'
import { replaceEmbeddedUtf8 } from './embedded-utf8.js'
import { decodeUtf8, decodeUtf8Variants } from './utf8-variants.js'

/** `ftfy.fix_encoding` with its default settings. */
export function fixEncoding(text: string): string {
  for (;;) {
    const fixed = fixOneLayer(text)
    if (fixed === text) return text
    text = fixed
  }
}

/** The order of attempts is ftfy's; the first that yields something wins. */
function fixOneLayer(text: string): string {
  if (!isBad(text)) return text

  for (const charmap of CHARMAPS) {
    if (!charmap.canEncode(text)) continue
    const fixed = readAsUtf8(text, charmap)
    if (fixed !== undefined) return fixed
  }

  const unembedded = replaceEmbeddedUtf8(text, (stretch) =>
    stretch.length < text.length && isBad(stretch) ? fixEncoding(stretch) : stretch,
  )
  if (unembedded !== text) return unembedded

  // What still has C1 controls was Windows-1252 read as Latin-1, wholly or in part.
  return fixC1Controls(text)
}

/** The text back in bytes and read as UTF-8, or undefined when the bytes are not UTF-8. */
function readAsUtf8(text: string, charmap: Charmap): string | undefined {
  let bytes = charmap.encode(text)
  // In MacRoman byte D0 is an en dash, which a space follows rightly.
  if (charmap.name !== 'macroman') bytes = restoreByteA0(bytes)
  if (charmap.sloppy) bytes = replaceLossySequences(bytes)
  return /[\xc0\xed]/.test(bytes) ? decodeUtf8Variants(bytes) : decodeUtf8(bytes)
}
