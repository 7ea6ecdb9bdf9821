/**
 * A folder of pictures with their captions beside them, as most tools for datasets write them, img2dataset's format `files`
 * among them: `00000/000000017.jpg` and `.txt`, `.caption` or `.json` of the same name.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import { isMissing } from '../../files/exists.js'
import { readWhole } from '../../files/read-whole.js'
import { isPictureName } from '../../image/find-images.js'
import type { Candidate } from '../candidate.js'
import { captionsIn, JSON_EXTENSION, TEXT_EXTENSIONS } from '../caption-text.js'
import { endingsOf } from '../files-in.js'
import { IndexedSource, type Records } from '../indexed.js'
import { refuseSplit } from '../rows.js'
import type { Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

/** A picture and its caption, seen from the folder. */
type Pair = { image: string; caption: string }

export const pictureTexts: SourceKind = {
  takes: 'a folder of pictures with .txt, .caption or .json beside them',
  fits: async (candidate, { captionKey }) =>
    candidate.isFolder && pairsIn(await candidate.files(), captionKey).pairs.length > 0,
  async open(candidate, options) {
    const { path } = candidate
    refuseSplit(path, options.split, 'a folder of pictures with captions')
    const { pairs, lonely } = pairsIn(await candidate.files(), options.captionKey)
    if (pairs.length === 0) throw await withoutCaptions(candidate, options)
    const records = new PairFiles(path, pairs, options.captionKey)
    const identity = async () => {
      const hash = createHash('sha256')
      for (const { image, caption } of pairs) hash.update(`${image}\n${caption}\n`)
      return hash.digest('hex')
    }
    const notes =
      lonely.length === 0
        ? []
        : [
            `${lonely.length} pictures of ${path} have no caption beside them and were left out; the first is ${lonely[0]}.`,
          ]
    return new IndexedSource({ path, format: 'folder', protocol: 'any', records, identity, notes })
  },
}

function pairsIn(files: readonly string[], captionKey: string | undefined): { pairs: Pair[]; lonely: string[] } {
  const known = new Set(files)
  const pairs: Pair[] = []
  const lonely: string[] = []
  const own = captionKey === undefined ? [] : [captionKey]
  for (const image of files) {
    if (!isPictureName(image)) continue
    const stem = image.slice(0, image.lastIndexOf('.') + 1)
    const caption = [...own, ...TEXT_EXTENSIONS, JSON_EXTENSION]
      .map((ending) => stem + ending)
      .find((name) => known.has(name))
    if (caption === undefined) lonely.push(image)
    else pairs.push({ image, caption })
  }
  return { pairs, lonely }
}

async function withoutCaptions(candidate: Candidate, { captionKey }: SourceOptions): Promise<ClipwrightError> {
  const endings = captionKey ?? '.txt, .caption or .json'
  const found = endingsOf(await candidate.files())
  return new ClipwrightError(
    'ERR_DATA',
    `${candidate.path} has no picture with ${endings} beside it; it holds ${found}`,
  )
}

class PairFiles implements Records {
  readonly #folder: string
  readonly #pairs: readonly Pair[]
  readonly #captionKey: string | undefined

  constructor(folder: string, pairs: readonly Pair[], captionKey: string | undefined) {
    this.#folder = folder
    this.#pairs = pairs
    this.#captionKey = captionKey
  }

  get size(): number {
    return this.#pairs.length
  }

  nameOf(index: number): { path: string; id: string } {
    return { path: this.#folder, id: this.#pairs[index]!.image }
  }

  async sample(index: number): Promise<Sample> {
    const { image, caption } = this.#pairs[index]!
    const path = join(this.#folder, caption)
    const bytes = await readWhole(path).catch((cause: Error) => {
      const code = isMissing(cause) ? 'ERR_NOT_FOUND' : 'ERR_IO'
      throw new ClipwrightError(code, `could not read the caption ${path}: ${shorten(cause.message)}`, { cause })
    })
    const extension = caption.slice(caption.lastIndexOf('.') + 1)
    return { image: join(this.#folder, image), captions: captionsIn(bytes, extension, path, this.#captionKey) }
  }
}
