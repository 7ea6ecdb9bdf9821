import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readWhole } from '../../lib/files/read-whole.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-whole-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Node.js takes a short read for the end: test/torture/io-faults.test.ts has them.
test.each([0, 1, 65_535, 65_536, 200_000])('%i bytes', async (length) => {
  const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 31) % 251))
  const path = join(folder, `${length}`)
  writeFileSync(path, bytes)
  expect((await readWhole(path)).equals(bytes)).toBe(true)
})

test('files that have no length, and those that are none', async () => {
  expect((await readWhole('/proc/self/status')).toString()).toMatch(/^Name:.*\n[\s\S]*Threads:/)
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const reading = readWhole(pipe) // as much as a pipe holds: nobody reads while this thread writes
  writeFileSync(pipe, 'x'.repeat(50_000))
  expect(await reading).toHaveLength(50_000)
  await expect(readWhole(folder)).rejects.toThrow('EISDIR')
  await expect(readWhole(join(folder, 'none'))).rejects.toThrow('ENOENT')
})
