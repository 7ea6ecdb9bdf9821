import type { TypedArray } from '../../../base/types.js'
import { describeDtype, elementCount } from '../dtypes.js'
import type { StoredTensor, StoredTensors, TensorInfo } from '../safetensors/safetensors.js'
import { quote, type StoredPlace, unsupportedTensor, WeightFile } from '../weight-file.js'
import { Budget } from './budget.js'
import { EndOfBytes } from './cursor.js'
import { Inflater } from './inflate.js'
import { readLegacy } from './legacy.js'
import type { World } from './machine.js'
import {
  type Place,
  type PlacedTensor,
  piecesOf,
  placeForCore,
  placeTensor,
  type ReadableTensor,
  readPlaced,
} from './placed-tensor.js'
import { findStateDict } from './state-dict.js'
import { torchWorld } from './torch-world.js'
import { unpickle } from './unpickle.js'
import { type Storage, type Tensor, UnreadableTensor, type Value } from './values.js'
import { DEFLATED, locate, looksLikeZip, readDirectory } from './zip.js'

/** No checkpoint's pickle is this long. */
const MAX_PICKLE_BYTES = 100_000_000
/** The archive's one folder has the name that the file had. */
const PICKLE = /^[^/]+\/data\.pkl$/

/**
 * Opens a `.pt`, `.pth` or `.bin` file: a state dict, bare or in a checkpoint, or a TorchScript archive. Names are as
 * they are stored. Its pickle is read at once by a machine that knows tensors and plain containers; in place of the rest
 * are placeholders, which nothing is done with; tensors
 * are read one by one when they are asked for.
 * @param key which entry holds the state dict, where there are several; dots go deeper
 * @throws ClipwrightError ERR_UNSAFE naming what only code could give; ERR_FORMAT when the file is not what it claims;
 *   ERR_MISMATCH when it has more than one state dict; ERR_INVALID_ARGUMENT for a key that leads to none;
 *   ERR_UNSUPPORTED, ERR_NOT_FOUND, ERR_IO
 */
export async function openTorchFile(path: string, key?: string): Promise<StoredTensors> {
  const file = await WeightFile.open(path, 'PyTorch')
  try {
    const { tensors, placeholders } = await readTensors(file, key)
    return new TorchFile(file, tensors, placeholders)
  } catch (error) {
    await file.close()
    throw error
  }
}

class TorchFile implements StoredTensors {
  readonly path: string
  readonly entries: ReadonlyMap<string, TensorInfo>
  /** Such files say nothing about themselves. */
  readonly metadata = {}
  readonly placeholders: readonly string[]
  readonly #file: WeightFile
  readonly #tensors: ReadonlyMap<string, PlacedTensor>

  constructor(file: WeightFile, tensors: ReadonlyMap<string, PlacedTensor>, placeholders: readonly string[]) {
    this.placeholders = placeholders
    this.path = file.path
    this.#file = file
    this.#tensors = tensors
    this.entries = new Map(
      Array.from(tensors, ([name, tensor]) => {
        const { shape } = tensor
        const [dtype, bytes] =
          'problem' in tensor ? [tensor.type, 0] : [tensor.dtype, describeDtype(tensor.dtype).bytes]
        return [name, { dtype, shape, byteLength: elementCount(shape) * bytes }]
      }),
    )
  }

  async read(name: string): Promise<StoredTensor> {
    const tensor = this.#tensor(name)
    const data = await readPlaced(this.#file, name, tensor)
    return { dtype: tensor.dtype, shape: [...tensor.shape], data }
  }

  pieces(name: string): AsyncIterable<TypedArray> {
    return piecesOf(this.#file, name, this.#tensor(name))
  }

  place(name: string): StoredPlace | undefined {
    return placeForCore(this.#file, this.#tensor(name))
  }

  #tensor(name: string): ReadableTensor {
    const tensor = this.#tensors.get(name)
    if (!tensor) throw this.#file.noTensor(name, this.#tensors.size)
    if ('problem' in tensor) throw unsupportedTensor(this.path, name, tensor.problem)
    return tensor
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

type Unpickled = { root: Value; budget: Budget; placeOf: (storage: Storage) => Promise<Place> }

async function readTensors(
  file: WeightFile,
  key: string | undefined,
): Promise<{ tensors: Map<string, PlacedTensor>; placeholders: string[] }> {
  const first = Buffer.alloc(Math.min(file.size, 4))
  await file.read(first, 0)
  const world = torchWorld(file.path)
  const { root, budget, placeOf } = looksLikeZip(first) ? await readArchive(file, world) : await readLegacy(file, world)
  const { malformed, unsafe } = world
  const found = findStateDict(root, { path: file.path, key, spend: budget.spend, malformed, unsafe })
  return { tensors: await placeAll(file, found, placeOf), placeholders: [...world.placeholders.keys()].sort() }
}

async function placeAll(
  file: WeightFile,
  tensors: ReadonlyMap<string, Tensor>,
  placeOf: (storage: Storage) => Promise<Place>,
): Promise<Map<string, PlacedTensor>> {
  const places = new Map<string, Place>()
  const placed = new Map<string, PlacedTensor>()
  for (const [name, tensor] of tensors) {
    if (tensor instanceof UnreadableTensor) {
      placed.set(name, { type: tensor.kind, shape: tensor.shape, problem: `is ${tensor.kind}, which is not supported` })
      continue
    }
    const { key } = tensor.storage
    const place = places.get(key) ?? (await placeOf(tensor.storage))
    places.set(key, place)
    placed.set(name, placeTensor(file, name, tensor, place))
  }
  return placed
}

async function readArchive(file: WeightFile, world: World): Promise<Unpickled> {
  const entries = await readDirectory(file)
  const names = [...entries.keys()].filter((name) => PICKLE.test(name))
  if (names.length !== 1) {
    throw file.error(
      `it is an archive with ${names.length || 'no'} data.pkl, so not what torch.save or torch.jit.save wrote`,
    )
  }
  const folder = names[0]!.slice(0, -'data.pkl'.length)
  const inflater = new Inflater(file)
  const readEntry = async (name: string, most: number) => {
    const entry = entries.get(name)
    if (!entry) return undefined
    const position = await locate(file, entry)
    if (entry.fullSize > most) throw file.error(`entry ${quote(name)} has ${entry.fullSize} bytes, more than ${most}`)
    if (entry.method === DEFLATED) return inflater.inflate(entry, position)
    const bytes = Buffer.alloc(entry.size)
    await file.read(bytes, position)
    return bytes
  }
  const order = (await readEntry(`${folder}byteorder`, 16))?.toString('latin1').trim() ?? 'little'
  if (order !== 'little' && order !== 'big') throw file.error(`its byte order is ${quote(order)}`)
  const isBigEndian = order === 'big'
  const pickle = (await readEntry(names[0]!, MAX_PICKLE_BYTES))!
  const budget = new Budget(file.size, world.malformed)
  const placeOf = async ({ key }: Storage) => {
    const entry = entries.get(`${folder}data/${key}`)
    if (!entry) throw file.error(`it lacks the entry ${quote(`${folder}data/${key}`)} of a tensor (a truncated file?)`)
    const begin = await locate(file, entry)
    if (entry.method !== DEFLATED) return { begin, bytes: entry.size, isBigEndian }
    return { begin: 0, bytes: entry.fullSize, isBigEndian, inflate: () => inflater.inflate(entry, begin) }
  }
  return { root: unpickleWhole(pickle, world, budget), budget, placeOf }
}

function unpickleWhole(bytes: Buffer, world: World, budget: Budget): Value {
  try {
    return unpickle(bytes, world, budget).value
  } catch (error) {
    if (error instanceof EndOfBytes) throw world.malformed('its pickle ends in the middle', error)
    throw error
  }
}
