import { describe, expect, it } from 'vitest'
import type { TensorInfo } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import type { TensorNames } from '../../lib/checkpoint/layouts/layout.js'
import { whole } from '../../lib/checkpoint/layouts/stored-parts.js'
import { matchTensors, requireMatch } from '../../lib/checkpoint/match.js'

const NAMES: TensorNames = { partsOf: (p) => [whole(p, p.name)], ignores: (name) => name === 'mask' }
const PARAMETERS = [
  { name: 'w', shape: [2, 3] },
  { name: 'scale', shape: [] },
]
type Stored = Record<string, [dtype: TensorInfo['dtype'], ...shape: number[]]>
const match = (stored: Stored) => {
  const entries = Object.entries(stored).map(([name, [dtype, ...shape]]): [string, TensorInfo] => [
    name,
    { dtype, shape, byteLength: 0 },
  ])
  return matchTensors(PARAMETERS, new Map(entries), NAMES)
}
const refusal = (stored: Stored, fitting: string[] = []) => {
  try {
    requireMatch(match(stored), 'm.pt', () => fitting)
  } catch (error) {
    return error as Error & { code: string }
  }
  return undefined
}

describe('a file’s tensors are a model’s parameters', () => {
  it.each(['F16', 'BF16', 'F32', 'F64'] as const)('in %s, a scalar as [] or [1], the mask left out', (dtype) => {
    for (const scale of [[dtype], [dtype, 1]] as Stored[string][]) {
      const found = match({ w: [dtype, 2, 3], scale, mask: ['I64', 7] })
      expect(found).toMatchObject({ missing: [], extra: [], wrong: [] })
      expect(found.fits.map(({ index, part }) => [index, part.name])).toEqual([
        [0, 'w'],
        [1, 'scale'],
      ])
    }
    expect(refusal({ w: [dtype, 2, 3], scale: [dtype] })).toBeUndefined()
  })

  it.each<[Stored, string]>([
    [{ w: ['F32', 2, 3] }, '1 missing (scale)'],
    [{}, '2 missing (w, scale)'],
    [{ w: ['I64', 2, 3], scale: ['F32'] }, '1 of another shape or type (w is I64, not floats)'],
    [{ w: ['F32', 3, 2], scale: ['F32'] }, '1 of another shape or type (w is [3, 2], not [2, 3])'],
    [{ w: ['F32', 2], scale: ['F32'] }, '1 of another shape or type (w is [2], not [2, 3])'],
    [{ w: ['F32', 2, 3, 4], scale: ['F32'] }, '1 of another shape or type (w is [2, 3, 4], not [2, 3])'],
    [{ w: ['F32', 2, 3], scale: ['F32', 2] }, '1 of another shape or type (scale is [2], not [])'],
    [{ w: ['F32', 2, 3], scale: ['F32'], v: ['F32'] }, '1 unexpected (v)'],
    [
      { w: ['U8', 2, 3], v: ['F32'] },
      '1 missing (scale); 1 unexpected (v); 1 of another shape or type (w is U8, not floats)',
    ],
  ])('but not when they are %j', (stored, sentence) => {
    const error = refusal(stored)
    expect(error?.code).toBe('ERR_MISMATCH')
    expect(error?.message).toContain(
      `m.pt does not hold this model: ${sentence}; pass the model that the weights belong to, or`,
    )
    expect(refusal(stored, ['A', 'B'])?.message).toContain('belong to (by their shapes A or B), or strict: false')
  })
})
