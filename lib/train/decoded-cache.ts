/** The folder of decoded pictures that a run uses, for those that it trains on and those that it measures on. */
import { bytesOf } from '../base/bytes.js'
import { PictureCache } from '../image/picture-cache.js'
import type { Settings } from './options/options.js'

/** @param say is told what is wrong with it */
export function decodedCacheOf(
  { decodedCache, decodedCacheSize }: Settings,
  say: (message: string) => void,
): PictureCache | undefined {
  if (decodedCache === undefined) return undefined
  return new PictureCache(decodedCache, { limit: bytesOf(decodedCacheSize) as number, say })
}
