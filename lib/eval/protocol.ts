/** What a result was measured by: without it, two recalls cannot be compared. */

/**
 * - `flickr`: five captions per picture, all of them used, as results on Flickr8k, Flickr30k and COCO are given.
 * - `muge`: captions that belong to one or several pictures, as Chinese-CLIP evaluates MUGE, Flickr30k-CN and COCO-CN.
 * - `any`: whatever the list holds.
 */
export type ProtocolName = 'flickr' | 'muge' | 'any'

export const PROTOCOLS = ['flickr', 'muge', 'any'] as const satisfies readonly ProtocolName[]

/** What data are made for: only Karpathy's splits are what published figures with five captions per picture are of. */
export function protocolOf(format: string): ProtocolName {
  if (format === 'karpathy') return 'flickr'
  return format === 'muge' ? 'muge' : 'any'
}

const EXPECTED_CAPTIONS = 5

/**
 * A sentence when a set is not what the protocol expects.
 * @param counts captions of each picture
 */
export function protocolWarning(name: ProtocolName, counts: ArrayLike<number>, where: string): string | undefined {
  if (name !== 'flickr') return undefined
  let odd = 0
  let total = 0
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!
    if (counts[i] !== EXPECTED_CAPTIONS) odd++
  }
  if (odd === 0) return undefined
  return (
    `the protocol "${name}" expects ${EXPECTED_CAPTIONS} captions per picture, but ${odd} of ${counts.length} pictures of ${where} ` +
    `have another number (${round(total / counts.length)} on average), so recall is not comparable with published figures; ` +
    'say --protocol any when this is meant.'
  )
}

const round = (x: number) => Math.round(100 * x) / 100
