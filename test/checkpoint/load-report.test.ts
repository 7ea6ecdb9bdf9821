import { describe, expect, it } from 'vitest'
import { describeLoad, groupNames } from '../../lib/checkpoint/load-report.js'

describe('groupNames', () => {
  it.each<[string[], string[]]>([
    [[], []],
    [['logit_scale'], ['logit_scale']],
    [['a.0.b'], ['a.0.b']],
    [['a.0.b', 'a.1.b', 'a.2.b', 'a.5.b', 'a.10.b', 'a.9.b'], ['a.{0-2, 5, 9-10}.b']],
    [
      ['a.0.b', 'x', 'a.0.c', 'a.1.b', 'a.1.c', 'a.2.c'],
      ['a.{0-1}.b', 'x', 'a.{0-2}.c'],
    ],
    [['a.0.b', 'a.0.c', 'a.1.b', 'a.1.c'], ['a.{0-1}.{b, c}']],
    [['a.0', 'a.1', 'a.0.b', 'a.1.b'], ['a.{0-1}{, .b}']],
    [
      ['conv1.w', 'ln_1.w', 'ln_2.w', 'a.ln_1.b'],
      ['conv1.w', 'ln_1.w', 'ln_2.w', 'a.ln_1.b'],
    ],
    [
      ['a.0.1.b', 'a.0.2.b', 'a.1.1.b'],
      ['a.{0-1}.1.b', 'a.0.2.b'],
    ],
  ])('%j', (names, expected) => {
    expect(groupNames(names)).toEqual(expected)
  })
})

describe('describeLoad', () => {
  it('counts and names everything', () => {
    const report = {
      path: 'w.pth',
      loaded: ['a.0.w', 'a.1.w'],
      missing: ['b'],
      mismatched: [],
      unexpected: ['c.0', 'c.1'],
    }
    expect(describeLoad(report)).toBe(
      '2 of 3 parameters were loaded from w.pth (a.{0-1}.w). Not there, so at their initial values: 1 (b). There, but of no parameter: 2 (c.{0-1}).',
    )
    expect(describeLoad({ ...report, missing: [], mismatched: ['v is [1], not [2]'], unexpected: [] })).toBe(
      '2 of 3 parameters were loaded from w.pth (a.{0-1}.w). Of another shape or type, so at their initial values: 1 (v is [1], not [2]).',
    )
    expect(describeLoad({ ...report, loaded: [], missing: [], unexpected: [] })).toBe(
      '0 of 0 parameters were loaded from w.pth.',
    )
  })
})
