import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { captionList } from '../train/pictures.js'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

it('trains, saves, loads and fails alike in another realm, where no class of Node is its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clipwright-realm-'))
  const list = await captionList(folder, 'train', 16)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      at('../programs/realm.mjs'),
      at('../../dist/index.js'),
      list,
      folder,
    ],
    { timeout: 120_000 },
  )
  expect(JSON.parse(stdout)).toEqual({
    steps: 2,
    features: [2, 64],
    skipped: false,
    recall: 100,
    stored: [1, 2],
    missing: 'ERR_NOT_FOUND',
    picture: 'ERR_NOT_FOUND',
    unwritable: 'ERR_IO',
    aborted: true,
  })
})
