import { expect, it } from 'vitest'
import { requireAgreement } from '../../lib/ranks/agree.js'
import { ALONE, type World } from '../../lib/ranks/world.js'

/** Rank 0 of two; the other hands in `other`. */
const beside = (other: unknown) =>
  ({ ...ALONE, size: 2, exchange: async (value: unknown) => [value, other] }) as unknown as World

const named = (fact: string) => `--${fact}`

it('is given where all facts are the same, whatever a rank calls them', async () => {
  await requireAgreement(beside({ lr: 1, out: '/a' }), { lr: 1, out: '/a' }, undefined, named)
})

it.each([
  [{ lr: 2, out: '/a' }, /--lr is 1 on rank 0 and 2 on rank 1/],
  [{ lr: 1 }, /--out is "\/a" on rank 0 and nothing on rank 1/],
  [{ lr: 1, out: '/a', seed: 3 }, /--seed is nothing on rank 0 and 3 on rank 1/],
])('is missing, by the name that this rank knows: %j', async (other, message) => {
  const asked = requireAgreement(beside(other), { lr: 1, out: '/a' }, undefined, named)
  await expect(asked).rejects.toMatchObject({ code: 'ERR_MISMATCH', message: expect.stringMatching(message) })
})
