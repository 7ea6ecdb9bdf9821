import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTextLines } from '../../lib/files/text-lines.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-lines-'))

test('lines that are not empty keep their numbers', async () => {
  const path = join(folder, 'texts.txt')
  writeFileSync(path, 'a\n\n b\r\n')
  expect(await readTextLines(path)).toEqual({ lines: ['a', ' b'], numbers: [1, 3] })
})

test('a file that is not there is told in words, once by its name', async () => {
  const path = join(folder, 'none.txt')
  await expect(readTextLines(path)).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
    message: `could not read the texts ${path}: there is no such file; check the path.`,
  })
})
