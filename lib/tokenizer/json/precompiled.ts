/**
 * SentencePiece's normalisation tables (`precompiled_charsmap`), as Hugging Face's tokenizers applies them
 * (`normalizers/precompiled.rs` and the crate spm_precompiled): a trie of Darts-clone over UTF-8, and what its leaves are replaced
 * by.
 */
import { isUtf8 } from 'node:buffer'
import { damaged, type Place } from './component.js'

/** Clusters of one character, but for the first two: no mark, joiner or Hangul letter among them. */
const SINGLE =
  /^(?:[\0-\u02ff\u0400-\u0482\u048a-\u052f\u2010-\u2027\u3041-\u3096\u30a1-\u30fc\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d])*$/u
/** UTF-8 bytes of a cluster from which on its characters are replaced one by one. */
const LONG_CLUSTER = 6

export class CharacterMap {
  readonly #units: Uint32Array
  readonly #replacements: Uint8Array
  /** What clusters and characters become: few different ones come up. */
  readonly #known = new Map<string, string>()
  readonly #clusters = new Intl.Segmenter('und', { granularity: 'grapheme' })

  /** Whether each character of ASCII stays what it is. */
  readonly #plain: readonly boolean[]

  /** @param base64 as the file holds it. @throws ClipwrightError ERR_FORMAT */
  constructor(base64: string, place: Place) {
    const bytes = Buffer.from(base64, 'base64')
    const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1
    if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) {
      throw damaged(place, 'precompiled_charsmap is cut off, or none')
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
    this.#replacements = bytes.subarray(4 + size)
    if (!isUtf8(this.#replacements)) throw damaged(place, 'precompiled_charsmap holds text that is not UTF-8')
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
    this.#plain = ascii.map((character) => this.#normalizeCluster(character) === character)
  }

  normalize(text: string): string {
    if (this.#isPlain(text)) return text
    let result = ''
    for (const cluster of this.#clustersOf(text)) {
      let normal = this.#known.get(cluster)
      if (normal === undefined) {
        normal = this.#normalizeCluster(cluster)
        if (this.#known.size < 1 << 16) this.#known.set(cluster, normal)
      }
      result += normal
    }
    return result
  }

  /** Most captions are, and nothing in them is replaced. */
  #isPlain(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (!this.#plain[text.charCodeAt(i)]) return false
    return true
  }

  *#clustersOf(text: string): Iterable<string> {
    if (SINGLE.test(text) && !text.includes('\r\n')) yield* text
    else for (const { segment } of this.#clusters.segment(text)) yield segment
  }

  #normalizeCluster(cluster: string): string {
    const bytes = Buffer.from(cluster)
    const whole = bytes.length < LONG_CLUSTER ? this.#lookUp(bytes) : undefined
    if (whole !== undefined) return whole
    return Array.from(cluster, (character) => this.#lookUp(Buffer.from(character)) ?? character).join('')
  }

  /** Of the shortest beginning that the trie has, strange as that is: tokenizers looks at no longer one. */
  #lookUp(bytes: Uint8Array): string | undefined {
    let node = offsetOf(this.#units[0]!)
    for (const byte of bytes) {
      if (byte === 0) return undefined
      node ^= byte
      const unit = this.#units[node]
      if (unit === undefined || labelOf(unit) !== byte) return undefined
      node ^= offsetOf(unit)
      const leaf = this.#units[node]
      if (hasLeaf(unit) && leaf !== undefined) return this.#replacementAt(leaf & 0x7fffffff)
    }
    return undefined
  }

  #replacementAt(from: number): string {
    const end = this.#replacements.indexOf(0, from)
    return Buffer.from(this.#replacements.subarray(from, end < 0 ? undefined : end)).toString('utf8')
  }
}

const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6)
