/** Retrieval recall, as the CLIP papers report it. */

import { ClipwrightError } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import { native } from '../native/addon.js'
import type { NativeRanks } from '../native/ranks.js'
import { checkMatrix } from './matrix.js'
import { checkRelevance, type ImageOfCaption } from './relevance.js'

/** Recall at 1, 5 and 10 in percent. txt: image to text; img: text to image; r_mean: of all six. */
export type RecallTable = {
  txt_r1: number
  txt_r5: number
  txt_r10: number
  txt_r_mean: number
  img_r1: number
  img_r5: number
  img_r10: number
  img_r_mean: number
  r_mean: number
}

/** The columns of a RecallTable as tables and files have them. */
export const RECALL_COLUMNS = [
  'txt_r1',
  'txt_r5',
  'txt_r10',
  'txt_r_mean',
  'img_r1',
  'img_r5',
  'img_r10',
  'img_r_mean',
  'r_mean',
] as const satisfies (keyof RecallTable)[]

/**
 * Recall of a similarity matrix. An image counts as found at K when the best of its captions is among the K most
 * similar of all captions; a caption when its image, or the best of its images, is among the K most similar of all. Of equal scores the
 * later index ranks first (a stable ascending sort read backwards), so a model that gives everything one score gets no
 * credit for it.
 *
 * @param similarity [images, captions]
 * @param imageOfCaption the image of each caption, every image having one at least; or a list of images for each caption,
 *   where images without captions are only searched
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for shapes that do not fit, an index out of range, an image without
 *   caption, or NaN
 */
export function retrievalMetrics(similarity: Tensor, imageOfCaption: ImageOfCaption): RecallTable {
  checkMatrix(similarity, 'similarity', '[images, captions]')
  const [images, captions] = similarity.shape as [number, number]
  const relevance = checkRelevance(imageOfCaption, images, captions)
  const nan = similarity.data.findIndex(Number.isNaN)
  if (nan >= 0) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `similarity[${Math.floor(nan / captions)}, ${nan % captions}] is NaN, which cannot be ranked.`,
    )
  }
  return recallTable(native().rankMatrix({ similarity: similarity.data, images, relevance }))
}

/** Recall from ranks that count from 0; of images without captions they are negative, and left out. */
export function recallTable(ranks: NativeRanks): RecallTable {
  const ofImage = ranks.ofImage.filter((rank) => rank >= 0)
  const within = (ranks: Int32Array, k: number) => {
    let found = 0
    for (const rank of ranks) if (rank < k) found++
    return (100 * found) / ranks.length
  }
  return withMeans({ txt: atEachK((k) => within(ofImage, k)), img: atEachK((k) => within(ranks.ofCaption, k)) })
}

/** One value for each K: 1, 5 and 10. */
export type AtEachK = [number, number, number]

export const atEachK = (value: (k: 1 | 5 | 10, index: number) => number): AtEachK => [
  value(1, 0),
  value(5, 1),
  value(10, 2),
]

/** The table of recalls in percent, both ways. */
export function withMeans({ txt, img }: Record<'txt' | 'img', AtEachK>): RecallTable {
  const [txt_r1, txt_r5, txt_r10] = txt
  const [img_r1, img_r5, img_r10] = img
  const txt_r_mean = (txt_r1 + txt_r5 + txt_r10) / 3
  const img_r_mean = (img_r1 + img_r5 + img_r10) / 3
  const r_mean = (txt_r_mean + img_r_mean) / 2
  return { txt_r1, txt_r5, txt_r10, txt_r_mean, img_r1, img_r5, img_r10, img_r_mean, r_mean }
}
