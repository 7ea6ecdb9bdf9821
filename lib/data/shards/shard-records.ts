/** The pairs of many shards under one number each, and their reading. */
import { ClipwrightError } from '../../base/errors.js'
import type { FileEntry, ImageAddress, StoredPicture } from '../../image/source.js'
import { captionsIn } from '../caption-text.js'
import type { Records } from '../indexed.js'
import type { ByteFile } from '../places/byte-file.js'
import { isRemote } from '../places/open-file.js'
import type { Sample } from '../source.js'
import type { ShardPairs } from './pairs.js'
import type { Part } from './shard-index.js'

export type Shard = { file: ByteFile; pairs: ShardPairs }

/** A picture and its caption that lie so close together are read at once, with what is between them. */
const GAP = 64 << 10
/** No picture is larger; a length comes from a file. */
const LARGEST_PICTURE = 1 << 30
const LARGEST_CAPTION = 1 << 20

export class ShardRecords implements Records {
  readonly #shards: readonly Shard[]
  /** The number of each shard's first pair, and behind them that of all. */
  readonly #starts: number[]
  readonly #captionKey: string | undefined

  constructor(shards: readonly Shard[], captionKey: string | undefined) {
    this.#shards = shards
    this.#captionKey = captionKey
    this.#starts = [0]
    for (const { pairs } of shards) this.#starts.push(this.#starts.at(-1)! + pairs.size)
  }

  get size(): number {
    return this.#starts.at(-1)!
  }

  nameOf(index: number): { path: string; id: string } {
    const { file, key } = this.#find(index)
    return { path: file.path, id: key }
  }

  async sample(index: number): Promise<Sample> {
    const { file, key, image, caption } = this.#find(index)
    const captions = this.#captions(file, key, caption, await file.read(caption.offset, checked(caption, file, key)))
    return { image: addressOf(file, key, image), captions }
  }

  /** One reading where picture and caption are neighbours, as they are in most shards. */
  async whole(index: number): Promise<Sample> {
    const { file, key, image, caption } = this.#find(index)
    const [first, second] = image.offset < caption.offset ? [image, caption] : [caption, image]
    const gap = second.offset - (first.offset + first.size)
    if (gap > GAP) return this.sample(index)
    checked(caption, file, key)
    if (image.size > LARGEST_PICTURE || image.sparse) return this.sample(index)
    const start = first.offset
    const bytes = await file.read(start, second.offset + second.size - start)
    const cut = ({ offset, size }: Part) => bytes.subarray(offset - start, offset - start + size)
    const captions = this.#captions(file, key, caption, cut(caption))
    const picture: StoredPicture = { path: file.path, id: key, read: async () => cut(image) }
    return { image: picture, captions }
  }

  #captions({ path }: ByteFile, key: string, { extension }: Part, bytes: Buffer): string[] {
    return captionsIn(bytes, extension, `${key}.${extension} of ${path}`, this.#captionKey)
  }

  #find(index: number) {
    let [low, high] = [0, this.#shards.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= index) low = middle
      else high = middle - 1
    }
    const { file, pairs } = this.#shards[low]!
    return { file, ...pairs.pair(index - this.#starts[low]!) }
  }
}

function checked({ size, sparse, extension }: Part, { path }: ByteFile, key: string): number {
  if (sparse) throw sparseMember(`${key}.${extension} of ${path}`)
  if (size <= LARGEST_CAPTION) return size
  throw new ClipwrightError('ERR_FORMAT', `${key}.${extension} of ${path}: a caption of ${size} bytes is none`)
}

function addressOf(file: ByteFile, id: string, { offset, size: length, sparse, extension }: Part): ImageAddress {
  const { path } = file
  const refuse = (error: ClipwrightError): StoredPicture => ({ path, id, read: () => Promise.reject(error) })
  if (sparse) return refuse(sparseMember(`${id}.${extension} of ${path}`))
  if (length > LARGEST_PICTURE)
    return refuse(
      new ClipwrightError('ERR_IMAGE', `${id}.${extension} of ${path}: a picture of ${length} bytes is none`),
    )
  if (!isRemote(path)) return { path, id, offset, length, encoding: 'raw' } satisfies FileEntry
  return { path, id, read: () => file.read(offset, length) }
}

function sparseMember(where: string): ClipwrightError {
  const message = `${where} is a sparse member, which lacks the parts that were empty; pack it again without --sparse`
  return new ClipwrightError('ERR_FORMAT', message)
}
