/**
 * One header of a tar archive: POSIX ustar and pax, GNU's long names and large sizes, and what came before both.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's manual, "Basic Tar Format".
 */

export const BLOCK = 512

export type Header = {
  name: string
  /** Of what follows, in bytes; blocks of 512 hold it. */
  size: number
  type: string
}

/** What is no header: the reason, in words. */
export class NoHeader extends Error {}

/**
 * @param block 512 bytes, not all zero
 * @throws NoHeader
 */
export function parseHeader(block: Buffer): Header {
  const sum = number(block, 148, 8)
  if (sum !== checksum(block)) throw new NoHeader('its checksum is wrong')
  const size = number(block, 124, 12)
  if (!Number.isSafeInteger(size) || size < 0) throw new NoHeader('its size is no number')
  const name = text(block, 0, 100)
  // GNU keeps times where POSIX keeps the first part of a long name.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? text(block, 345, 155) : ''
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!)
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, type }
}

export function isZero(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/** Of all bytes, those of the sum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 32
  for (let i = 0; i < 148; i++) sum += block[i]!
  for (let i = 156; i < BLOCK; i++) sum += block[i]!
  return sum
}

/** Octal digits, or GNU's binary numbers, whose first bit is set. NaN where it is neither. */
function number(block: Buffer, at: number, length: number): number {
  if (block[at]! & 0x80) {
    let value = block[at]! & 0x7f
    for (let i = 1; i < length; i++) value = value * 256 + block[at + i]!
    return value
  }
  let value = 0
  let digits = 0
  for (let i = at; i < at + length; i++) {
    const c = block[i]!
    if (c === 0x20 || c === 0) {
      if (digits > 0) break
      continue
    }
    if (c < 0x30 || c > 0x37) return Number.NaN
    value = value * 8 + (c - 0x30)
    digits++
  }
  return value
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('utf8', at, end < 0 || end > at + length ? at + length : end)
}

/**
 * pax records: `LENGTH KEY=VALUE\n`, the length in bytes of the whole record.
 * @throws NoHeader
 */
export function parsePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(bytes.toString('latin1', at, space))
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (!Number.isInteger(length) || end > bytes.length || end <= space || equals < 0 || equals >= end)
      throw new NoHeader('its pax records are damaged')
    records.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, end - 1))
    at = end
  }
  return records
}
