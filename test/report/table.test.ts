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
