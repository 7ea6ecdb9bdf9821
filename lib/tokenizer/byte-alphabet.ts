/**
 * GPT-2's printable stand-ins for bytes, in which byte-pair vocabularies are written: printable Latin-1 bytes stand
 * for themselves, the others for the characters from U+0100 on. The order is also that of the first 256 token ids.
 */

const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)

const bytes = Array.from({ length: 256 }, (_, byte) => byte)

/** Bytes in the order of their token ids. */
export const BYTE_OF_ID: readonly number[] = [
  ...bytes.filter(isPrintable),
  ...bytes.filter((byte) => !isPrintable(byte)),
]

/** The printable stand-in of each id's byte. */
export const SYMBOL_OF_ID: readonly string[] = BYTE_OF_ID.map((byte, id) =>
  String.fromCharCode(isPrintable(byte) ? byte : 256 + id - bytes.filter(isPrintable).length),
)

/** The token id of each byte. */
export const ID_OF_BYTE = new Uint8Array(256)
for (const [id, byte] of BYTE_OF_ID.entries()) ID_OF_BYTE[byte] = id

export const BYTE_OF_SYMBOL: ReadonlyMap<string, number> = new Map(
  SYMBOL_OF_ID.map((symbol, id) => [symbol, BYTE_OF_ID[id]!]),
)

/** The bytes that a string of stand-ins means. */
export function bytesOfSymbols(symbols: string): Uint8Array {
  return Uint8Array.from(symbols, (symbol) => BYTE_OF_SYMBOL.get(symbol)!)
}

/** The printable stand-in of each byte. */
export const SYMBOL_OF_BYTE: readonly string[] = Array.from(ID_OF_BYTE, (id) => SYMBOL_OF_ID[id]!)
