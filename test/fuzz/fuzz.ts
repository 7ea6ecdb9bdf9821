/** Fuzzing: cases that follow from a seed alone, and what may come of them. */
import { expect } from 'vitest'
import { ClipwrightError, type ErrorCode } from '../../lib/base/errors.js'
import { Draws, Stream } from '../../lib/base/random.js'

const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const only = process.env.FUZZ_CASE === undefined ? undefined : Number(process.env.FUZZ_CASE)
const count = full ? 20_000 : 500

/** For the test that fuzzes. */
export const fuzzTimeout = full ? 30 * 60_000 : 60_000

export type Random = Pick<Draws, 'below'>

export const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!

/**
 * Runs `one` 500 times, 20,000 times in `npm run test:full`. Each case must end within `seconds` (three times as many are
 * allowed, for machines that do other things besides), with a value or with a ClipwrightError of one of `codes` that says
 * so in one line; both must come up. The seed is printed, and a failure says which FUZZ_SEED and FUZZ_CASE repeat it.
 */
export async function fuzz(
  subject: string,
  { codes, seconds = 2 }: { codes: readonly ErrorCode[]; seconds?: number },
  one: (random: Random) => unknown,
): Promise<void> {
  console.log(`${subject}: ${only === undefined ? `${count} cases` : `case ${only}`} of FUZZ_SEED=${seed}`)
  let values = 0
  let errors = 0
  for (const i of only === undefined ? Array(count).keys() : [only]) {
    const began = performance.now()
    try {
      await one(new Draws(seed, Stream.augment, 0, i))
      values++
    } catch (error) {
      if (!isRefusal(error, codes)) throw new Error(`${subject}: FUZZ_SEED=${seed} FUZZ_CASE=${i}`, { cause: error })
      errors++
    }
    const took = (performance.now() - began) / 1000
    if (took > 3 * seconds) throw new Error(`${subject}: FUZZ_SEED=${seed} FUZZ_CASE=${i} took ${took.toFixed(1)} s`)
  }
  console.log(`${subject}: ${values} gave a value, ${errors} a ClipwrightError`)
  if (only !== undefined) return
  // Cases that all fare alike do not reach what they are for.
  expect(values).toBeGreaterThan(0)
  if (codes.length > 0) expect(errors).toBeGreaterThan(0)
}

function isRefusal(error: unknown, codes: readonly ErrorCode[]): boolean {
  return error instanceof ClipwrightError && codes.includes(error.code) && /^[^\n]+$/.test(error.message)
}
