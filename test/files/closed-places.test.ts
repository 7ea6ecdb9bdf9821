/** Folders that nothing can be written into: their file system says so only when it is asked. */
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { writeError } from '../../lib/files/atomic-write.js'

const system = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: it failed, ${syscall}`), { code, syscall })
let answer: string
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  accessSync() {
    throw system(answer, 'access')
  },
}))

test.each([
  // A read-only mount answers so when a folder is to be made below it.
  ['ENOENT', 'EROFS', /^.*\/run\/x could not be written because the file system of .* is read-only\.$/],
  ['EROFS', 'EROFS', /the file system of .* is read-only\.$/],
  ['EACCES', 'EACCES', /because this user may not write into /],
])('%s where the place itself says %s', (code, said, message) => {
  answer = said
  const path = join(import.meta.dirname, 'run/x')
  expect(writeError(path, system(code, 'mkdir'))).toMatchObject({
    code: 'ERR_IO',
    message: expect.stringMatching(message),
  })
  expect(writeError(path, system(code, 'mkdir')).message).toContain(import.meta.dirname)
})
