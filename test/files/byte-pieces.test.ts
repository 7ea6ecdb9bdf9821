import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { jsonElements, linesOf, NoJsonList } from '../../lib/files/byte-pieces.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-pieces-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function all(pieces: AsyncIterable<Buffer>): Promise<string[]> {
  const found: string[] = []
  for await (const piece of pieces) found.push(piece.toString())
  return found
}

function file(text: string): string {
  const path = join(folder, 'file')
  writeFileSync(path, text)
  return path
}

const elements = async (text: string) => (await all(jsonElements(file(text)))).map((piece) => JSON.parse(piece))

test.each([
  '[]',
  ' [ ] \n',
  '[1]',
  '\uFEFF[1, "two", null]',
  '[{"a": [1, {"b": "]"}]}, ["x,y", "\\"", "\\\\"], "[{"]',
  `[${Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ image: `${i}.png`, caption: `ä "${'\\'.repeat(i % 5)}" ${i}` })).join(' ,\n')}]`,
])('elements of a list are those that JSON.parse finds: %#', async (text) => {
  expect(await elements(text)).toEqual(JSON.parse(text.replace('\uFEFF', '')))
})

test('an escape at the end of what is read at once', async () => {
  // The backslash is the last byte of the first mebibyte.
  const text = `["${'a'.repeat((1 << 20) - 3)}\\"]", 1]`
  expect(await elements(text)).toEqual(JSON.parse(text))
})

test.each(['', '{}', '[', '[1,]', '[,1]', '[1,,2]', '[1] 2', '[1]]', 'x[1]'])('no list: %s', async (text) => {
  await expect(all(jsonElements(file(text)))).rejects.toThrow(NoJsonList)
})

test('lines, the last one also without an end', async () => {
  const long = 'x'.repeat((1 << 20) + 5)
  expect(await all(linesOf(file(`a\n\n${long}\r\nä\u2028b`)))).toEqual(['a', '', `${long}\r`, 'ä\u2028b'])
  expect(await all(linesOf(file('a\n')))).toEqual(['a'])
  expect(await all(linesOf(file('')))).toEqual([])
})
