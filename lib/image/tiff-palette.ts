/** Whether a TIFF's first picture has a palette (PhotometricInterpretation 3), which libvips does not tell. */

const PHOTOMETRIC = 262
const PALETTE = 3

/** False for a file that cannot be followed: the decoder then says what is wrong with it. */
export function hasTiffPalette(data: Buffer): boolean {
  try {
    return photometricOf(data) === PALETTE
  } catch {
    return false
  }
}

function photometricOf(data: Buffer): number | undefined {
  const little = data.toString('latin1', 0, 2) === 'II'
  const u16 = (at: number) => (little ? data.readUInt16LE(at) : data.readUInt16BE(at))
  const u32 = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at))
  const u64 = (at: number) => Number(little ? data.readBigUInt64LE(at) : data.readBigUInt64BE(at))
  const big = u16(2) === 43
  const directory = big ? u64(8) : u32(4)
  const [count, first, each, value] = big
    ? [u64(directory), directory + 8, 20, 12]
    : [u16(directory), directory + 2, 12, 8]
  for (let i = 0; i < count; i++) {
    const entry = first + i * each
    if (u16(entry) === PHOTOMETRIC) return u16(entry + value)
  }
  return undefined
}
