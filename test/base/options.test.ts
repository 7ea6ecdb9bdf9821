import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ClipwrightError } from '../../lib/base/errors.js'
import { nearest } from '../../lib/base/nearest.js'
import { parseOptions } from '../../lib/base/options.js'

describe('nearest', () => {
  test.each([
    ['batchsize', ['epochs', 'batchSize', 'data'], 'batchSize'],
    ['ephocs', ['epochs', 'eps', 'data'], 'epochs'],
    ['ViT-B32', ['ViT-L-14', 'ViT-B-32', 'ViT-B-16'], 'ViT-B-32'],
    ['zzzzzzzz', ['epochs', 'data'], undefined],
    ['x', [], undefined],
  ])('%s among %j is %s', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected)
  })
})

describe('parseOptions', () => {
  const schema = z.strictObject({
    lr: z.number().positive().default(5e-4),
    loss: z.enum(['infonce']).default('infonce'),
    nested: z.strictObject({ size: z.int() }).optional(),
    groups: z.array(z.strictObject({ match: z.string() })).default([]),
  })

  function failure(options: unknown): ClipwrightError {
    try {
      parseOptions(schema, options, 'train')
    } catch (error) {
      if (error instanceof ClipwrightError) return error
      throw error
    }
    throw new Error('expected a failure')
  }

  test('fills in defaults', () => {
    expect(parseOptions(schema, undefined, 'train')).toEqual({ lr: 5e-4, loss: 'infonce', groups: [] })
  })

  test.each([
    [{ lrr: 1 }, 'train: there is no option "lrr"; did you mean "lr"?'],
    [{ somethingElse: 1 }, 'train: there is no option "somethingElse".'],
    [{ nested: { size: 1, lr: 2 } }, 'train: there is no option "nested.lr".'],
    [{ nested: { sze: 1 } }, 'train: there is no option "nested.sze"; did you mean "size"?'],
    [{ groups: [{ match: 'a' }, { mtach: 'b' }] }, 'train: there is no option "groups.1.mtach"; did you mean "match"?'],
    [{ groups: [1] }, 'train: option "groups.0": expected object, got 1.'],
    [{ lr: 'x' }, 'train: option "lr": expected number, got "x".'],
    [{ lr: Number.NaN }, 'train: option "lr": expected number, got NaN.'],
    [{ nested: { size: 1.5 } }, 'train: option "nested.size": expected int, got 1.5.'],
    [{ loss: 'nce' }, 'train: option "loss": expected "infonce", got "nce".'],
    [{ lr: -1 }, 'train: option "lr": expected a number above 0, got -1.'],
    ['text', 'train: expected an object of options, got "text".'],
  ])('%j is refused', (options, message) => {
    const error = failure(options)
    expect(error.code).toBe('ERR_INVALID_ARGUMENT')
    expect(error.message).toBe(message)
  })
})
