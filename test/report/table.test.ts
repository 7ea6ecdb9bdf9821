import { expect, test } from 'vitest'
import { table } from '../../lib/report/table.js'

test('columns are as wide as their widest cell; numbers stand to the right, and no line ends in spaces', () => {
  const rows = [
    ['a name', 1, '12.50', 'x'],
    ['b', 100, '3.25', ''],
  ]
  expect(table(['name', 'n', 'share', 'note'], rows)).toBe(
    ['name      n  share  note', 'a name    1  12.50  x', 'b       100   3.25'].join('\n'),
  )
})

test('a cell with line breaks stays on its line', () => {
  expect(table(['a', 'b'], [['x\r\ny\tz', '\x1b[31m']])).toBe('a      b\nx y z   [31m')
})

test('headings without rows stay to the left', () => {
  expect(table(['name', 'n'], [])).toBe('name  n')
})

test('where it would be too wide, texts at the end are broken, and long names have a line of their own', () => {
  const words = 'words that go on and on'
  expect(table(['n', 'words'], [[1, words]], 23)).toBe(['n  words', '1  words that go on and', '   on'].join('\n'))
  const rows = [
    ['a/rather/long/name', '[1, 2]'],
    ['short', '[3]'],
  ]
  expect(table(['name', 'shape'], rows, 16)).toBe(
    ['name      shape', 'a/rather/long/name', '          [1, 2]', 'short     [3]'].join('\n'),
  )
  expect(table(['n', 'at'], [[1, 'in /a/path/that/is/longer/than/most ok']], 24)).toBe(
    ['n  at', '1  in', '  /a/path/that/is/longer/than/most', '   ok'].join('\n'),
  )
  expect(table(['name', ''], [['a', '']], 26)).toBe('name\na')
  expect(table(['name', 'shape'], rows, 26)).toBe(table(['name', 'shape'], rows))
})

test('columns of Chinese texts stand below each other', () => {
  expect(
    table(
      ['a', 'b'],
      [
        ['猫', 'x'],
        ['abc', 'y'],
      ],
    ),
  ).toBe(['a    b', '猫   x', 'abc  y'].join('\n'))
})
