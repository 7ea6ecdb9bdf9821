/** A pack: blobs one after another, then an index as JSON, then the index's length and checksum. */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { readExactly } from '../read-exactly.js'

export type PackEntry = {
  /** What it is found by; any of them. */
  keys: readonly string[]
  offset: number
  length: number
  /** CRC-32 of its bytes. */
  crc: number
  /** What its owner keeps beside it. */
  note: unknown
}

export type PackIndex = {
  /** What made the blobs: another one's are of no use. */
  maker: string
  entries: readonly PackEntry[]
}

const MAGIC = 'cwpack1\n'
const TAIL_BYTES = MAGIC.length + 8

/** What follows the blobs. */
export function packEnd(index: PackIndex): Buffer {
  const text = Buffer.from(JSON.stringify(index))
  const tail = Buffer.alloc(TAIL_BYTES)
  tail.writeUInt32LE(text.length, 0)
  tail.writeUInt32LE(crc32(text), 4)
  tail.write(MAGIC, 8, 'latin1')
  return Buffer.concat([text, tail])
}

/** Undefined where the file is no pack, or its index is damaged. @throws the file system's errors */
export async function readPackIndex(file: FileHandle): Promise<PackIndex | undefined> {
  const { size } = await file.stat()
  if (size < TAIL_BYTES) return undefined
  const tail = await readExactly(file, size - TAIL_BYTES, TAIL_BYTES)
  const length = tail.readUInt32LE(0)
  if (tail.toString('latin1', 8) !== MAGIC || length > size - TAIL_BYTES) return undefined
  const text = await readExactly(file, size - TAIL_BYTES - length, length)
  return crc32(text) === tail.readUInt32LE(4) ? (JSON.parse(text.toString()) as PackIndex) : undefined
}
