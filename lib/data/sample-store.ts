/** Many samples in little memory: their texts lie one behind the other in a few large pieces, not as millions of strings. */
import type { Sample } from './source.js'

const PIECE = 4 << 20
/** Of a text's length: it is no text that UTF-8 can hold (half a surrogate pair), and lies there in UTF-16. */
const WIDE = 0x80000000

/** Pictures are paths. */
export type PathSample = Omit<Sample, 'image'> & { image: string }

export class SampleStore {
  /** What most pictures' paths begin with is not kept again and again. */
  readonly #prefix: string
  readonly #pieces: Buffer[] = []
  #used = PIECE
  /** Of each sample: its piece, and where it begins there. */
  #places = new Uint32Array(2048)
  #length = 0

  constructor(prefix = '') {
    this.#prefix = prefix
  }

  get length(): number {
    return this.#length
  }

  add({ image, captions, id }: PathSample): void {
    const isInside = image.startsWith(this.#prefix)
    const texts = [isInside ? image.slice(this.#prefix.length) : image, ...(id === undefined ? [] : [id]), ...captions]
    const lengths = texts.map((text) =>
      !/\p{Surrogate}/u.test(text) ? Buffer.byteLength(text) : WIDE + 2 * text.length,
    )
    const bytes = lengths.reduce((sum, length) => sum + 4 + (length % WIDE), 4)
    const piece = this.#room(bytes)
    const flags = (isInside ? 1 : 0) + (id === undefined ? 0 : 2)
    let at = piece.writeUInt32LE(captions.length * 4 + flags, this.#used)
    for (const [i, text] of texts.entries()) {
      at = piece.writeUInt32LE(lengths[i]!, at)
      at += piece.write(text, at, lengths[i]! >= WIDE ? 'utf16le' : 'utf8')
    }
    this.#used = at
  }

  at(index: number): Sample {
    const piece = this.#pieces[this.#places[2 * index]!]!
    let at = this.#places[2 * index + 1]!
    const head = piece.readUInt32LE(at)
    at += 4
    const text = () => {
      const length = piece.readUInt32LE(at)
      const from = at + 4
      at = from + (length % WIDE)
      return piece.toString(length >= WIDE ? 'utf16le' : 'utf8', from, at)
    }
    const image = (head & 1 ? this.#prefix : '') + text()
    const id = head & 2 ? text() : undefined
    const captions = Array.from({ length: head >>> 2 }, text)
    return { image, captions, ...(id !== undefined && { id }) }
  }

  #room(bytes: number): Buffer {
    if (this.#used + bytes > (this.#pieces.at(-1)?.length ?? 0)) {
      this.#pieces.push(Buffer.allocUnsafeSlow(Math.max(PIECE, bytes)))
      this.#used = 0
    }
    if (2 * this.#length === this.#places.length) {
      const more = new Uint32Array(2 * this.#places.length)
      more.set(this.#places)
      this.#places = more
    }
    this.#places.set([this.#pieces.length - 1, this.#used], 2 * this.#length++)
    return this.#pieces.at(-1)!
  }
}
