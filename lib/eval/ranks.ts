import type { Relevance } from './relevance.js'

/** A rectangle of the similarity matrix [images, captions], row-major. */
export type Block = {
  firstImage: number
  images: number
  firstCaption: number
  captions: number
  similarity: Float32Array
}

/**
 * Ranks of the right answers, gathered block by block, in any order: first every block that holds a right pair through
 * `findOwn`, then every block through `count`. A block that goes through both must bring the same bits, or ties differ.
 *
 * Ranks count from 0. Of equal scores the later index ranks first, as in a stable ascending sort read backwards.
 */
export class RetrievalRanks {
  /** For each image the rank of the best of its captions among all captions; -1 where it has none. */
  readonly ofImage: Int32Array
  /** For each caption the rank of the best of its images among all images. */
  readonly ofCaption: Int32Array
  readonly #relevance: Relevance
  /** Each image's best own caption, and its score. */
  readonly #bestCaption: Int32Array
  readonly #bestScore: Float32Array
  /** Each caption's best own image, and its score. */
  readonly #bestImage: Int32Array
  readonly #ownScore: Float32Array

  constructor(images: number, relevance: Relevance) {
    const captions = relevance.offsets.length - 1
    this.ofImage = new Int32Array(images).fill(-1)
    for (const image of relevance.images) this.ofImage[image] = 0
    this.ofCaption = new Int32Array(captions)
    this.#relevance = relevance
    this.#bestCaption = new Int32Array(images).fill(-1)
    this.#bestScore = new Float32Array(images).fill(Number.NEGATIVE_INFINITY)
    this.#bestImage = new Int32Array(captions).fill(-1)
    this.#ownScore = new Float32Array(captions).fill(Number.NEGATIVE_INFINITY)
  }

  findOwn({ firstImage, images, firstCaption, captions, similarity }: Block): void {
    const { offsets, images: owners } = this.#relevance
    for (let j = 0; j < captions; j++) {
      const caption = firstCaption + j
      for (let at = offsets[caption]!; at < offsets[caption + 1]!; at++) {
        const image = owners[at]!
        const i = image - firstImage
        if (i < 0 || i >= images) continue
        const score = similarity[i * captions + j]!
        if (isAhead(score, image, this.#ownScore[caption]!, this.#bestImage[caption]!)) {
          this.#ownScore[caption] = score
          this.#bestImage[caption] = image
        }
        if (isAhead(score, caption, this.#bestScore[image]!, this.#bestCaption[image]!)) {
          this.#bestScore[image] = score
          this.#bestCaption[image] = caption
        }
      }
    }
  }

  count({ firstImage, images, firstCaption, captions, similarity }: Block): void {
    const bestImages = this.#bestImage.subarray(firstCaption, firstCaption + captions)
    const ownScores = this.#ownScore.subarray(firstCaption, firstCaption + captions)
    const ofCaption = this.ofCaption.subarray(firstCaption, firstCaption + captions)
    for (let i = 0; i < images; i++) {
      const image = firstImage + i
      const row = similarity.subarray(i * captions, (i + 1) * captions)
      const best = this.#bestScore[image]!
      const bestCaption = this.#bestCaption[image]! - firstCaption
      let ahead = 0
      for (let j = 0; j < captions; j++) {
        const score = row[j]!
        if (score > best || (score === best && j > bestCaption)) ahead++
        const own = ownScores[j]!
        if (score > own || (score === own && image > bestImages[j]!)) ofCaption[j]!++
      }
      if (this.ofImage[image]! >= 0) this.ofImage[image]! += ahead
    }
  }
}

/** Of equal scores the later index ranks first. */
function isAhead(score: number, index: number, best: number, bestIndex: number): boolean {
  return score > best || (score === best && index > bestIndex)
}
