/** What a result was measured by: without it, two recalls cannot be compared. */
import { type Protocol, type ProtocolName, protocols } from '../data/protocols.js'

/**
 * A sentence when a set is not what the protocol expects.
 * @param counts captions of each picture
 */
export function protocolWarning(name: ProtocolName, counts: ArrayLike<number>, where: string): string | undefined {
  const { captions: expected }: Protocol = protocols[name]
  if (expected === undefined) return undefined
  let odd = 0
  let total = 0
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!
    if (counts[i] !== expected) odd++
  }
  if (odd === 0) return undefined
  return (
    `the protocol "${name}" expects ${expected} captions per picture, but ${odd} of ${counts.length} pictures of ${where} ` +
    `have another number (${round(total / counts.length)} on average), so recall is not comparable with published figures; ` +
    'say --protocol any when this is meant.'
  )
}

const round = (x: number) => Math.round(100 * x) / 100
