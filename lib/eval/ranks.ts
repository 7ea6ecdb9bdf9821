/** Ranks of right answers, which the processes of a job find together. */
import { callNative, native } from '../native/addon.js'
import type { NativeFeatures, NativeRanks } from '../native/ranks.js'
import type { World } from '../ranks/world.js'

/** Pictures of a block of the similarity matrix, as the core takes them: shares of whole blocks have the same scores, bit for bit. */
const BLOCK = 512

/**
 * Each rank compares its share of the pictures with all captions. What the best picture of a caption is all must know first; then
 * each counts which of its pictures are ahead of it.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for a value that is not finite, ERR_IO once a rank has ended
 */
export async function ranksOf(world: World, features: NativeFeatures): Promise<NativeRanks> {
  if (world.size === 1) return callNative(() => native().rankFeatures(features))
  const pictures = features.images.length / features.dim
  const { first, count } = world.share(Math.ceil(pictures / BLOCK))
  const last = Math.min((first + count) * BLOCK, pictures)
  const rows = count > 0 ? { first: first * BLOCK, last } : { first: 0, last: 0 }
  const own = await callNative(() => native().bestOfCaptions({ ...features, rows }))
  const best = { scores: await world.gather(own.scores), images: await world.gather(own.images) }
  const ranks = await callNative(() => native().rankFeatures({ ...features, rows, best }))
  const ofImage = await world.gather(ranks.ofImage.subarray(rows.first, rows.last))
  const counts = await world.gather(ranks.ofCaption)
  const ofCaption = ranks.ofCaption.map((_, caption) => {
    let sum = 0
    for (let at = caption; at < counts.length; at += ranks.ofCaption.length) sum += counts[at]!
    return sum
  })
  return { ofImage, ofCaption }
}
