/** What must be the same on all ranks before they begin. */
import { isDeepStrictEqual } from 'node:util'
import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'
import type { World } from './world.js'

/**
 * @param facts by what all ranks call them
 * @param what all must do
 * @param nameOf what messages call a fact, which depends on how this rank was told it
 * @throws ClipwrightError ERR_MISMATCH on every rank, naming the first fact that differs, where, and both values
 */
export async function requireAgreement(
  world: World,
  facts: Record<string, unknown>,
  what = 'train: all ranks must train the same run',
  nameOf: (fact: string) => string = (fact) => fact,
): Promise<void> {
  if (world.size === 1) return
  // As the others see it: what JSON does not hold is no difference.
  const all = await world.exchange(facts)
  const [first, ...others] = all as [Record<string, unknown>, ...Record<string, unknown>[]]
  for (const [i, other] of others.entries()) {
    const keys = [...new Set([...Object.keys(first), ...Object.keys(other)])]
    const different = keys.filter((key) => !isDeepStrictEqual(first[key], other[key]))
    const [key] = different
    if (key === undefined) continue
    throw new ClipwrightError(
      'ERR_MISMATCH',
      `${what}, but ${nameOf(key)} is ${show(first[key])} on rank 0 and ${show(other[key])} on rank ${i + 1}; start all of them with the same command, data and version.`,
      { keys: different.map(nameOf) },
    )
  }
}
