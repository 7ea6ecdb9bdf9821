/**
 * Streams from before torch 1.6 and of `_use_new_zipfile_serialization=False`: five pickles one after the other, which
 * hold a magic number, a version, the machine's sizes, the object and the keys of its storages; then the storages, each
 * after its number of elements.
 * Format: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (`_legacy_save`)
 */
import { isSize } from '../../../base/arrays.js'
import { ClipwrightError } from '../../../base/errors.js'
import { quote, type WeightFile } from '../weight-file.js'
import { Budget } from './budget.js'
import { EndOfBytes } from './cursor.js'
import type { World } from './machine.js'
import { OPCODES } from './opcodes.js'
import type { Place } from './placed-tensor.js'
import { unpickle } from './unpickle.js'
import { Placeholder, type Storage, type Value } from './values.js'

const MAGIC = 0x1950a86a20f9469cfc6cn
const VERSION = 1001
/** Read at first; pickles that are longer make it grow. */
const FIRST_BYTES = 1 << 20
const GROWTH = 8
/** No checkpoint's pickles are this long. */
const MOST_BYTES = 100_000_000
const COUNT_BYTES = 8

/** Tar archives say so here; torch wrote such before 0.1.10. */
const TAR_MARK_AT = 257

/**
 * @param world of the file; its persistent ids are noted on the way
 * @returns the object, and each storage's place
 * @throws ClipwrightError ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for tar archives
 */
export async function readLegacy(
  file: WeightFile,
  world: World,
): Promise<{ root: Value; budget: Budget; placeOf: (storage: Storage) => Promise<Place> }> {
  const { root, keys, end, storages, budget } = await readPickles(file, world)
  const places = await placeStorages(file, keys, storages, end)
  const placeOf = async ({ key }: Storage) => {
    const place = places.get(key)
    if (!place) throw file.error(`storage ${quote(key)} is not among those that follow its pickles`)
    return place
  }
  return { root, budget, placeOf }
}

type Pickles = { root: Value; keys: string[]; end: number; storages: Map<string, Storage>; budget: Budget }

async function readPickles(file: WeightFile, world: World): Promise<Pickles> {
  for (let length = FIRST_BYTES; ; length *= GROWTH) {
    const bytes = Buffer.alloc(Math.min(length, file.size, MOST_BYTES))
    await file.read(bytes, 0)
    refuseTar(file, bytes)
    if (!OPCODES[bytes[0] ?? 0]) throw file.error('it begins neither as a zip archive nor as a pickle')
    try {
      return parsePickles(file, bytes, world)
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw error
      if (bytes.length < Math.min(file.size, MOST_BYTES)) continue
      throw file.error('its pickle ends in the middle (a truncated file, or no PyTorch file?)', error)
    }
  }
}

function parsePickles(file: WeightFile, bytes: Buffer, world: World): Pickles {
  const budget = new Budget(file.size, world.malformed)
  const storages = new Map<string, Storage>()
  const noting: World = {
    ...world,
    persistent(id) {
      const storage = world.persistent(id) as Storage
      const known = storages.get(storage.key)
      if (known && known.type.elementBytes !== storage.type.elementBytes) {
        throw file.error(`storage ${quote(storage.key)} has two types, ${known.type.name} and ${storage.type.name}`)
      }
      storages.set(storage.key, storage)
      return storage
    },
  }
  let end = 0
  const next = () => {
    const result = unpickle(bytes, noting, budget, end)
    end = result.end
    return result.value
  }
  const magic = next()
  if (magic instanceof Placeholder) throw world.unsafe(`the global ${quote(magic.name)}`)
  if (magic !== MAGIC) throw file.error('it is a pickle, but none that torch.save wrote')
  const version = next()
  if (version !== VERSION)
    throw file.error(`it has version ${typeof version === 'number' ? version : '?'} of the old format`)
  // The machine's sizes and byte order: storages are little-endian whatever it was.
  next()
  const root = next()
  const keys = next()
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw file.error('its storages have no list of keys')
  }
  return { root, keys: keys as string[], end, storages, budget }
}

async function placeStorages(
  file: WeightFile,
  keys: readonly string[],
  storages: ReadonlyMap<string, Storage>,
  start: number,
): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const count = Buffer.alloc(COUNT_BYTES)
  let at = start
  for (const key of keys) {
    const storage = storages.get(key)
    if (!storage || places.has(key)) {
      throw file.error(`storage ${quote(key)} ${storage ? 'comes twice' : 'belongs to no tensor'}`)
    }
    if (at + COUNT_BYTES > file.size) throw file.error(`it ends before storage ${quote(key)} (a truncated file?)`)
    await file.read(count, at)
    const elements = Number(count.readBigInt64LE())
    const bytes = elements * storage.type.elementBytes
    const begin = at + COUNT_BYTES
    if (!isSize(elements) || begin + bytes > file.size) {
      throw file.error(`storage ${quote(key)} claims ${elements} elements, more than follow (a truncated file?)`)
    }
    places.set(key, { begin, bytes, isBigEndian: false })
    at = begin + bytes
  }
  return places
}

function refuseTar(file: WeightFile, bytes: Buffer): void {
  if (bytes.toString('latin1', TAR_MARK_AT, TAR_MARK_AT + 5) !== 'ustar') return
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${file.path} is a tar archive, as torch wrote before version 0.1.10; load it there and save it again.`,
  )
}
