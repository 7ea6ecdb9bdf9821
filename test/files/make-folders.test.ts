import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exists, lexists } from '../../lib/files/exists.js'
import { makeFolders } from '../../lib/files/make-folders.js'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'make-folders-'))
})
afterAll(() => rm(home, { recursive: true }))

test('makes what is missing, once and at the same time', async () => {
  const deep = join(home, 'a/b/c')
  await Promise.all([makeFolders(deep), makeFolders(deep), makeFolders(join(home, 'a/b/d'))])
  await makeFolders(deep)
  expect((await stat(deep)).isDirectory() && existsSync(join(home, 'a/b/d'))).toBe(true)
})

test('a file in the way is an error', async () => {
  await writeFile(join(home, 'file'), '')
  await expect(makeFolders(join(home, 'file'))).rejects.toThrow(/EEXIST/)
  await expect(makeFolders(join(home, 'file/below'))).rejects.toThrow(/EEXIST|ENOTDIR/)
})

test.runIf(existsSync('/proc/self'))('ends below a folder that says of itself that it is not there', async () => {
  await expect(makeFolders('/proc/clipwright/model')).rejects.toThrow(/ENOENT/)
})

test('what is there: links by where they lead, or as such', async () => {
  const link = join(home, 'link')
  await symlink(join(home, 'nowhere'), link)
  expect([await exists(link), await lexists(link), await exists(home)]).toEqual([false, true, true])
  await expect(exists(`${home}\0`)).rejects.toThrow()
})
