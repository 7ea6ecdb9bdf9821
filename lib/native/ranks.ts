/** Ranks of right answers among all. */

/** Images of each caption: those of caption j are images[offsets[j] .. offsets[j + 1]]. */
export type NativeRelevance = { offsets: Int32Array; images: Int32Array }
/** images [n, dim], texts [m, dim] */
export type NativeFeatures = { images: Float32Array; texts: Float32Array; dim: number; relevance: NativeRelevance }
/** Images rows.first .. rows.last alone are compared with all captions. */
export type NativeRows = { first: number; last: number }
/** Of each caption the best of its images and its score; -1 where none was looked at. Of several parts, one after another. */
export type NativeBest = { scores: Float32Array; images: Int32Array }
export type NativeSimilarity = { similarity: Float32Array; images: number; relevance: NativeRelevance }
/**
 * Ranks count from 0. Of equal scores the later index ranks first.
 * `ofImage`: of the best of its captions among all, -1 without captions. `ofCaption`: of the best of its images among all.
 */
export type NativeRanks = { ofImage: Int32Array; ofCaption: Int32Array }
