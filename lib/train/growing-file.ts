/** How much of a file that grows is whole: a crash may have cut it anywhere. */
import { stat } from 'node:fs/promises'
import { readWhole } from '../files/read-whole.js'

/**
 * The length to which a file is kept when a run goes on: what its checkpoint knew, or whole lines (of TensorBoard's
 * events: whole records) where the file is shorter than that.
 */
export async function wholeLength(path: string, known: number): Promise<number> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size >= known) return known
  if (size === 0) return 0
  const bytes = await readWhole(path)
  return path.endsWith('.clipwright') ? wholeRecords(bytes) : bytes.lastIndexOf(0x0a) + 1
}

/** A record is its length (u64), a checksum (u32), so many bytes, and another checksum. */
function wholeRecords(bytes: Buffer): number {
  let end = 0
  while (end + 12 <= bytes.length) {
    const next = end + 16 + Number(bytes.readBigUInt64LE(end))
    if (next > bytes.length) break
    end = next
  }
  return end
}
