/**
 * The archives that torch.save and torch.jit.save write: zip files, the sizes in 64 bits where they need it. Entries are
 * stored as they are, or deflated where somebody packed them again; none may overlap another.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { quote, type WeightFile } from '../weight-file.js'

export type ZipEntry = {
  name: string
  /** In the archive. */
  size: number
  /** Once inflated. */
  fullSize: number
  /** Of the header before the data. */
  headerAt: number
  /** Where the next entry begins, or the directory. */
  endsBy: number
  /** How it is stored: `STORED`, `DEFLATED`. */
  method: number
  isEncrypted: boolean
}

export const STORED = 0
export const DEFLATED = 8

const LOCAL_SIGNATURE = 0x04034b50
const CENTRAL_SIGNATURE = 0x02014b50
const END_SIGNATURE = 0x06054b50
const END64_SIGNATURE = 0x06064b50
const LOCATOR_SIGNATURE = 0x07064b50
const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const END_BYTES = 22
const LOCATOR_BYTES = 20
const END64_BYTES = 56
const MAX_COMMENT_BYTES = 0xffff
/** In place of a number that the entry has in 64 bits. */
const ELSEWHERE = 0xffffffff
const ZIP64_FIELD = 1
/** A checkpoint with optimizer of the largest models has a tenth of it. */
const MAX_ENTRIES = 200_000
const MAX_DIRECTORY_BYTES = 100_000_000

export function looksLikeZip(first: Buffer): boolean {
  return first.length >= 4 && first.readUInt32LE(0) === LOCAL_SIGNATURE
}

/**
 * Reads and checks the archive's directory.
 * @returns entries by name
 * @throws ClipwrightError ERR_FORMAT for a directory that is cut or lies, entries of one name or that overlap
 */
export async function readDirectory(file: WeightFile): Promise<Map<string, ZipEntry>> {
  const { count, offset, bytes } = await findDirectory(file)
  if (count > MAX_ENTRIES || bytes > MAX_DIRECTORY_BYTES) {
    throw file.error(`its directory claims ${count} entries in ${bytes} bytes, more than any checkpoint has`)
  }
  const directory = Buffer.alloc(bytes)
  await file.read(directory, offset)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < count; i++) {
    const { entry, end } = parseEntry(file, directory, at)
    if (entries.has(entry.name)) throw file.error(`it has two entries ${quote(entry.name)}`)
    entries.set(entry.name, entry)
    at = end
  }
  if (at !== bytes) throw file.error(`its directory has ${bytes} bytes, but its ${count} entries take ${at}`)
  checkPlaces(file, [...entries.values()], offset)
  return entries
}

/**
 * Where an entry's data begin.
 * @throws ClipwrightError ERR_FORMAT for an entry that is compressed otherwise, encrypted, cut or not where the directory says
 */
export async function locate(file: WeightFile, entry: ZipEntry): Promise<number> {
  const bad = (problem: string) => file.error(`entry ${quote(entry.name)} ${problem}`)
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw bad(`is compressed by method ${entry.method}, which is none of PyTorch's`)
  }
  if (entry.isEncrypted) throw bad('is encrypted')
  const name = Buffer.from(entry.name, 'latin1')
  const header = Buffer.alloc(Math.min(LOCAL_BYTES + name.length, file.size - entry.headerAt))
  await file.read(header, entry.headerAt)
  if (header.length < LOCAL_BYTES || header.readUInt32LE(0) !== LOCAL_SIGNATURE) {
    throw bad(`is not at byte ${entry.headerAt}, where the directory says`)
  }
  const isSame = header.readUInt16LE(26) === name.length && header.subarray(LOCAL_BYTES).equals(name)
  if (!isSame || header.readUInt16LE(8) !== entry.method)
    throw bad('is described differently by its header and the directory')
  const start = entry.headerAt + LOCAL_BYTES + name.length + header.readUInt16LE(28)
  if (start + entry.size > entry.endsBy) throw bad(`reaches into what follows it at byte ${entry.endsBy}`)
  return start
}

/** From the record at the archive's end, which may hold a comment, or the one in 64 bits before it. */
async function findDirectory(file: WeightFile): Promise<{ count: number; offset: number; bytes: number }> {
  const tail = Buffer.alloc(Math.min(file.size, LOCATOR_BYTES + END_BYTES + MAX_COMMENT_BYTES))
  await file.read(tail, file.size - tail.length)
  let at = tail.length - END_BYTES
  const isEnd = () =>
    tail.readUInt32LE(at) === END_SIGNATURE && tail.readUInt16LE(at + 20) === tail.length - END_BYTES - at
  while (at >= 0 && !isEnd()) at--
  if (at < 0) throw file.error('its directory is missing (a truncated file?)')
  const endAt = file.size - tail.length + at
  const disks = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6)]
  let found = {
    count: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  }
  let before = endAt
  const locator = tail.subarray(Math.max(at - LOCATOR_BYTES, 0), at)
  if (locator.length === LOCATOR_BYTES && locator.readUInt32LE(0) === LOCATOR_SIGNATURE) {
    before = Number(locator.readBigUInt64LE(8))
    found = await readEnd64(file, before, endAt - LOCATOR_BYTES)
  }
  if (disks.some((disk) => disk !== 0 && disk !== 0xffff)) throw file.error('it is one of several volumes')
  if (found.offset + found.bytes > before) throw file.error('its directory does not lie where its end says')
  return found
}

async function readEnd64(
  file: WeightFile,
  at: number,
  before: number,
): Promise<{ count: number; offset: number; bytes: number }> {
  const record = Buffer.alloc(END64_BYTES)
  if (at + END64_BYTES > before) throw file.error('the end of its directory does not lie where its locator says')
  await file.read(record, at)
  if (record.readUInt32LE(0) !== END64_SIGNATURE) throw file.error('the end of its directory is not what it claims')
  return {
    count: Number(record.readBigUInt64LE(32)),
    bytes: Number(record.readBigUInt64LE(40)),
    offset: Number(record.readBigUInt64LE(48)),
  }
}

function parseEntry(file: WeightFile, directory: Buffer, at: number): { entry: ZipEntry; end: number } {
  const isWhole = at + CENTRAL_BYTES <= directory.length && directory.readUInt32LE(at) === CENTRAL_SIGNATURE
  const nameAt = at + CENTRAL_BYTES
  const extraAt = isWhole ? nameAt + directory.readUInt16LE(at + 28) : 0
  const commentAt = isWhole ? extraAt + directory.readUInt16LE(at + 30) : 0
  const end = isWhole ? commentAt + directory.readUInt16LE(at + 32) : Number.POSITIVE_INFINITY
  if (end > directory.length) throw file.error(`its directory is not a list of entries from byte ${at} on`)
  // Bytes as characters: names are compared, never shown to a file system.
  const name = directory.toString('latin1', nameAt, extraAt)
  const wide = zip64Numbers(directory.subarray(extraAt, commentAt))
  const number = (place: number) => {
    const value = directory.readUInt32LE(at + place)
    return value === ELSEWHERE ? (wide.shift() ?? value) : value
  }
  // In the order in which the numbers in 64 bits come.
  const size = number(24)
  const storedSize = number(20)
  const headerAt = number(42)
  const method = directory.readUInt16LE(at + 10)
  if (method === STORED && size !== storedSize) throw file.error(`entry ${quote(name)} has two sizes`)
  const isEncrypted = (directory.readUInt16LE(at + 8) & 1) !== 0
  return { entry: { name, size: storedSize, fullSize: size, headerAt, endsBy: 0, method, isEncrypted }, end }
}

function zip64Numbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === ZIP64_FIELD) {
      const field = extra.subarray(at + 4, end)
      return Array.from({ length: Math.floor(field.length / 8) }, (_, i) => Number(field.readBigUInt64LE(i * 8)))
    }
    at = end
  }
  return []
}

/** In order, each entry must end before the next begins; how long its header is, is looked at when it is read. */
function checkPlaces(file: WeightFile, entries: ZipEntry[], directoryAt: number): void {
  entries.sort((a, b) => a.headerAt - b.headerAt)
  for (const [i, entry] of entries.entries()) {
    entry.endsBy = entries[i + 1]?.headerAt ?? directoryAt
    if (entry.headerAt + LOCAL_BYTES + entry.name.length + entry.size > entry.endsBy) {
      throw file.error(`entry ${quote(entry.name)} overlaps what follows it at byte ${entry.endsBy}`)
    }
  }
}
