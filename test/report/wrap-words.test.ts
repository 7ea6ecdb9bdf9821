import { expect, test } from 'vitest'
import { columnsOf, cutTo } from '../../lib/report/columns.js'
import { fitLines, hangWords, whole, wrapWords } from '../../lib/report/wrap-words.js'

test('lines end between words; a path that is longer has a line of its own', () => {
  expect(wrapWords('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrapWords('in /a/rather/long/path.json now', 10)).toEqual(['in', '/a/rather/long/path.json', 'now'])
})

test('Chinese characters are two columns wide, and lines end between them', () => {
  expect(columnsOf('一只猫 a')).toBe(8)
  expect(columnsOf('e\u0301🐱')).toBe(3)
  expect(wrapWords('一只猫在睡觉', 6)).toEqual(['一只猫', '在睡觉'])
  expect(cutTo(5, '一只猫在')).toBe('一只…')
  expect(cutTo(8, '一只猫在')).toBe('一只猫在')
})

test('further lines begin below the first', () => {
  expect(hangWords('note  ', 'one two three', 13)).toEqual(['note  one two', '      three'])
})

test('what belongs together stays on one line', () => {
  expect(fitLines(`written to ${whole('/my pictures/a.json')}, all of it`, 12)).toBe(
    'written to\n/my pictures/a.json,\nall of it',
  )
})

test('sentences are fitted with their own indentation; tables stay as they are', () => {
  const text = 'a  table  of  cells\n  one two three\nshort'
  expect(fitLines(text, 9)).toBe('a  table  of  cells\n  one two\n  three\nshort')
})
