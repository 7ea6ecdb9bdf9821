/** A folder for each test of a file. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'

export function folderOfEachTest() {
  const at = {
    path: '',
    json: async (...path: string[]) => JSON.parse(await readFile(join(at.path, ...path), 'utf8')),
    names: async (...path: string[]) => (await readdir(join(at.path, ...path))).sort(),
  }
  beforeEach(async () => {
    at.path = await mkdtemp(join(tmpdir(), 'clipwright-onnx-'))
  })
  afterEach(() => rm(at.path, { recursive: true, force: true }))
  return at
}
