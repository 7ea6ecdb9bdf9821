/**
 * Pictures that were decoded before: whole, as the exact decoder gives them, or fitted to a model's square where nothing about
 * that is random. Found by what their files hold; a file that is where it was, with its size and time, need not be read for it.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { packageVersion } from '../base/version.js'
import { type Found, Packs, type PacksOptions } from '../files/packs/packs.js'
import { callNative, native } from '../native/addon.js'
import { type DecodeOptions, decodeBytes } from './decode.js'
import type { DecodedPicture } from './picture.js'
import { type ImageAddress, nameOf, readAddress } from './source.js'

/** Raised when decoders or the resize give other pixels. */
const PIXELS = 1

type Shape = Omit<DecodedPicture, 'data'>

export class PictureCache {
  readonly #packs: Promise<Packs>

  /** Opened at its first use. @param folder is made; nothing about it is an error, `say` is told what is wrong */
  constructor(folder: string, options: Omit<PacksOptions, 'maker' | 'read'>) {
    const maker = `clipwright ${packageVersion()}, pixels ${PIXELS}`
    this.#packs = Packs.open(folder, { ...options, maker, read })
  }

  /**
   * A picture that is made of a file in one way alone.
   * @param manner all that decides what is made, as JSON
   * @param into has it in the end
   * @param make is handed what the address holds
   */
  async fitted(
    address: ImageAddress,
    manner: unknown,
    into: Uint8Array,
    make: (data: Buffer) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const packs = await this.#packs
    const [placed, stored] = await this.#lookUp(packs, address, manner, (found) => packs.read(found, into))
    if (stored === undefined) return into
    const pixels = await make(stored.data)
    if (pixels !== into) into.set(pixels)
    await packs.add(keysOf(placed, stored.key), into, null)
    return into
  }

  /** As `decodeImage`. */
  async whole(address: ImageAddress, options: DecodeOptions): Promise<DecodedPicture> {
    const packs = await this.#packs
    let kept: DecodedPicture | undefined
    const [placed, stored] = await this.#lookUp(packs, address, ['whole', options], async (found) => {
      const shape = found.entry.note as Shape
      const data = new Uint8Array(Buffer.allocUnsafeSlow(found.entry.length).buffer)
      if (await packs.read(found, data)) kept = { ...shape, data }
      return kept !== undefined
    })
    if (kept || stored === undefined) return kept as DecodedPicture
    const { data, ...shape } = await decodeBytes(stored.data, nameOf(address), options)
    await packs.add(keysOf(placed, stored.key), data, shape)
    return { ...shape, data }
  }

  /** Whether it takes what is new. */
  async keeps(): Promise<boolean> {
    return !(await this.#packs).isFull
  }

  async close(): Promise<void> {
    await (await this.#packs).close()
  }

  /** @returns where nothing was found, what was to be found; `read` has had it otherwise */
  async #lookUp(
    packs: Packs,
    address: ImageAddress,
    manner: unknown,
    read: (found: Found) => Promise<boolean>,
  ): Promise<[placed: string | undefined, missing?: { key: string; data: Buffer }]> {
    const place = await placeOf(address)
    const placed = place && keyOf(place, manner)
    const known = placed && packs.find(placed)
    if (known && (await read(known))) return [placed]
    const data = await readAddress(address)
    const key = keyOf(createHash('sha256').update(data).digest('hex'), manner)
    const found = packs.find(key)
    if (!found || !(await read(found))) return [placed, { key, data }]
    if (placed) packs.alias(placed, found)
    return [placed]
  }
}

/** One job beside the event loop, which has but few microseconds for a picture. */
const read: PacksOptions['read'] = ({ fd }, offset, into) =>
  callNative(() => native().readSummed({ file: fd, offset, into }))

function keysOf(placed: string | undefined, key: string): string[] {
  return placed === undefined ? [key] : [placed, key]
}

const KEY_DIGITS = 32

function keyOf(what: string, manner: unknown): string {
  return createHash('sha256')
    .update(`${JSON.stringify(manner)}\n${what}`)
    .digest('hex')
    .slice(0, KEY_DIGITS)
}

/** What changes when another picture is put there; undefined where only its bytes tell, or where there is none. */
async function placeOf(address: ImageAddress): Promise<string | undefined> {
  if (typeof address !== 'string' && (Buffer.isBuffer(address) || 'read' in address)) return undefined
  const [path, part] =
    typeof address === 'string' ? [address, ''] : [address.path, `${address.offset} ${address.length}`]
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found?.isFile() ? `${resolve(path)} ${found.size} ${found.mtimeNs} ${found.ino} ${part}` : undefined
}
