import type { FileHandle } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { appendBytes } from '../../lib/files/append-bytes.js'

/** A file that takes at most so many bytes at a time. */
function slow(most: number, failsAt = Number.POSITIVE_INFINITY) {
  const written: number[] = []
  const write = async (bytes: Uint8Array, offset: number, length: number) => {
    if (written.length >= failsAt) throw new Error('the disk is full')
    const taken = bytes.subarray(offset, offset + Math.min(most, length))
    written.push(...taken)
    return { bytesWritten: taken.length, buffer: bytes }
  }
  return { written, handle: { write } as unknown as FileHandle }
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i)

it('appends all, however little the system takes at once, and shows each byte once', async () => {
  const { written, handle } = slow(7)
  const seen: number[] = []
  await appendBytes(handle, BYTES, { update: (bytes) => seen.push(...bytes) })
  expect(written).toEqual([...BYTES])
  expect(seen).toEqual([...BYTES])
})

it('shows much in pieces that leave the event loop time', async () => {
  const lengths: number[] = []
  const handle = { write: async (_: Uint8Array, __: number, length: number) => ({ bytesWritten: length }) }
  const bytes = new Uint8Array(5_000_001)
  await appendBytes(handle as unknown as FileHandle, bytes, { update: (piece) => lengths.push(piece.length) })
  expect(lengths.reduce((a, b) => a + b)).toBe(bytes.length)
  expect(Math.max(...lengths)).toBeLessThan(4_000_000)
})

it('fails as the file does', async () => {
  const { handle } = slow(7, 21)
  await expect(appendBytes(handle, BYTES)).rejects.toThrow('the disk is full')
})
