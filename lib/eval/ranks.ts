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
  /** For each image the rank of the best of its captions among all captions. */
  readonly ofImage: Int32Array
  /** For each caption the rank of its image among all images. */
  readonly ofCaption: Int32Array
  readonly #imageOfCaption: Int32Array
  /** Each image's best own caption, and its score. */
  readonly #bestCaption: Int32Array
  readonly #bestScore: Float32Array
  /** Each caption's score with its own image. */
  readonly #ownScore: Float32Array

  constructor(images: number, imageOfCaption: Int32Array) {
    const captions = imageOfCaption.length
    this.ofImage = new Int32Array(images)
    this.ofCaption = new Int32Array(captions)
    this.#imageOfCaption = imageOfCaption
    this.#bestCaption = new Int32Array(images).fill(-1)
    this.#bestScore = new Float32Array(images).fill(Number.NEGATIVE_INFINITY)
    this.#ownScore = new Float32Array(captions)
  }

  findOwn({ firstImage, images, firstCaption, captions, similarity }: Block): void {
    for (let j = 0; j < captions; j++) {
      const caption = firstCaption + j
      const image = this.#imageOfCaption[caption]!
      const i = image - firstImage
      if (i < 0 || i >= images) continue
      const score = similarity[i * captions + j]!
      this.#ownScore[caption] = score
      const best = this.#bestScore[image]!
      if (score > best || (score === best && caption > this.#bestCaption[image]!)) {
        this.#bestScore[image] = score
        this.#bestCaption[image] = caption
      }
    }
  }

  count({ firstImage, images, firstCaption, captions, similarity }: Block): void {
    const owners = this.#imageOfCaption.subarray(firstCaption, firstCaption + captions)
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
        if (score > own || (score === own && image > owners[j]!)) ofCaption[j]!++
      }
      this.ofImage[image]! += ahead
    }
  }
}
