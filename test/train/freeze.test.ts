import { describe, expect, test } from 'vitest'
import type { Clip } from '../../lib/clip/clip.js'
import { freeze } from '../../lib/train/freeze.js'

const NAMES = ['visual.proj', 'visualXproj', 'a.visual.proj', 'blocks.1.w', 'blocks.10.w', 'blocks..w', 'w', 'a+b']

function frozenBy(...patterns: string[]): string[] {
  const parameters = NAMES.map((name) => ({ name, trainable: true }))
  freeze({ parameters: () => parameters } as unknown as Clip, patterns)
  return parameters.filter(({ trainable }) => !trainable).map(({ name }) => name)
}

describe('freeze', () => {
  test.each([
    [['visual.proj'], ['visual.proj']],
    [['blocks.?.w'], ['blocks.1.w']],
    [['blocks.*'], ['blocks.1.w', 'blocks.10.w', 'blocks..w']],
    [['*.w'], ['blocks.1.w', 'blocks.10.w', 'blocks..w']],
    [['*proj'], ['visual.proj', 'visualXproj', 'a.visual.proj']],
    [
      ['a+b', 'w'],
      ['w', 'a+b'],
    ],
    [[], []],
  ])('%j takes %j', (patterns, expected) => {
    expect(frozenBy(...patterns)).toEqual(expected)
  })

  test.each(['proj', 'visual', 'blocks.???.w', 'VISUAL.proj'])('%s matches none', (pattern) => {
    expect(() => frozenBy(pattern)).toThrow(`"${pattern}" matches no parameter`)
  })
})
