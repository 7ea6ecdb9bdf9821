import { expect, test } from 'vitest'
import { WordCache } from '../../lib/tokenizer/word-cache.js'

test('holds 65,536 words of at most 64 units, and starts over', () => {
  const cache = new WordCache()
  cache.set('x'.repeat(64), [1])
  cache.set('x'.repeat(65), [2])
  expect([cache.get('x'.repeat(64)), cache.get('x'.repeat(65))]).toEqual([[1], undefined])
  for (let i = 1; i < 65_536; i++) cache.set(`w${i}`, [i])
  expect([cache.get('x'.repeat(64)), cache.get('w65535')]).toEqual([[1], [65_535]])
  cache.set('one more', [7])
  expect([cache.get('x'.repeat(64)), cache.get('w65535'), cache.get('one more')]).toEqual([undefined, undefined, [7]])
})
