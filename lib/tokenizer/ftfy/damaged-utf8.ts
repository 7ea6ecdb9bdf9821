/**
 * Mends bytes that are nearly UTF-8 before they are decoded. Bytes are binary strings; patterns and exceptions are
 * those of ftfy 6.3 (`chardata.py`, `fixes.py`).
 */

// A no-break space (byte A0) that some program made a plain space. Lead bytes are limited to those that give likely
// characters; E0 and E1 directly before the space do not.
const SPACE_FOR_A0 =
  /[\xc2\xc3\xc5\xce\xd0\xd9] |[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] |\xf0 [\x80-\xbf][\x80-\xbf]|\xf0[\x80-\xbf] [\x80-\xbf]|\xf0[\x80-\xbf][\x80-\xbf] /g

// "à" is a word of its own ("à la"), so its lost byte is put back and the space kept, except where Portuguese
// contracts it ("àquele", "às").
const LONE_A_GRAVE = /\xc3 (?! |quele|quela|quilo|s )/g

/** Puts byte A0 back where a space stands in the middle of a convincing sequence. */
export function restoreByteA0(bytes: string): string {
  if (bytes.search(SPACE_FOR_A0) < 0) return bytes
  return bytes.replace(LONE_A_GRAVE, '\xc3\xa0 ').replace(SPACE_FOR_A0, (sequence) => sequence.replaceAll(' ', '\xa0'))
}

// Byte 1A stands for a U+FFFD that replaced a byte; at most one "?" of a sequence may have done so too.
const LOSSY = new RegExp(
  [
    '[\\xc2-\\xdf]\\x1a',
    '[\\xc2\\xc3]\\?',
    '\\xed[\\xa0-\\xaf][\\x1a?]\\xed[\\xb0-\\xbf][\\x1a?\\x80-\\xbf]',
    '\\xed[\\xa0-\\xaf][\\x1a?\\x80-\\xbf]\\xed[\\xb0-\\xbf][\\x1a?]',
    '[\\xe0-\\xef][\\x1a?][\\x1a\\x80-\\xbf]',
    '[\\xe0-\\xef][\\x1a\\x80-\\xbf][\\x1a?]',
    '[\\xf0-\\xf4][\\x1a?][\\x1a\\x80-\\xbf][\\x1a\\x80-\\xbf]',
    '[\\xf0-\\xf4][\\x1a\\x80-\\xbf][\\x1a?][\\x1a\\x80-\\xbf]',
    '[\\xf0-\\xf4][\\x1a\\x80-\\xbf][\\x1a\\x80-\\xbf][\\x1a?]',
    '\\x1a',
  ].join('|'),
  'g',
)

/** Turns sequences that lost bytes into UTF-8's U+FFFD, so that the rest can be decoded. */
export function replaceLossySequences(bytes: string): string {
  return bytes.replace(LOSSY, '\xef\xbf\xbd')
}
