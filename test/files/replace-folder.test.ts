import { existsSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recoverFolder, removeOwn, replaceFolder } from '../../lib/files/replace-folder.js'

/** How many changes of the file system are left before the process is as good as dead. */
const life = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>()
  const mortal = <F extends (...args: never[]) => Promise<unknown>>(change: F) =>
    vi.fn(async (...args: Parameters<F>) => {
      if (--life.left < 0) throw new Error('killed')
      return change(...args)
    })
  const { rename, link, mkdir, rm, rmdir } = real
  return {
    ...real,
    rename: mortal(rename),
    link: mortal(link),
    mkdir: mortal(mkdir as never),
    rm: mortal(rm),
    rmdir: mortal(rmdir),
  }
})

const CLAIM = { marker: 'config', own: ['config', 'weights', 'extra'], disturbing: ['state'] }
const save = (path: string, content: string, files = ['config', 'weights']) =>
  replaceFolder(path, CLAIM, async (aside) => {
    for (const name of files) await fs.writeFile(join(aside, name), content)
  })

let folder: string
let model: string
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'clipwright-replace-'))
  model = join(folder, 'model')
})
afterEach(async () => {
  life.left = Number.POSITIVE_INFINITY
  await fs.rm(folder, { recursive: true })
})

/** What others keep there: a file, a folder, a link to nowhere. */
async function others(): Promise<void> {
  await fs.writeFile(join(model, 'notes.txt'), 'mine')
  await fs.mkdir(join(model, 'samples'))
  await fs.writeFile(join(model, 'samples', 'cat.jpg'), 'cat')
  await fs.symlink('nowhere', join(model, 'link'))
}
async function expectOthers(): Promise<void> {
  expect(await fs.readFile(join(model, 'notes.txt'), 'utf8')).toBe('mine')
  expect(await fs.readFile(join(model, 'samples', 'cat.jpg'), 'utf8')).toBe('cat')
  expect(await fs.readlink(join(model, 'link'))).toBe('nowhere')
}
const read = async () => Promise.all(['config', 'weights'].map((name) => fs.readFile(join(model, name), 'utf8')))

describe('a writer replaces only what is its own', () => {
  it('others’ files, folders and links stay; its own that it does not write any more go', async () => {
    await save(model, 'old', ['config', 'weights', 'extra'])
    await others()
    const { ino } = await fs.stat(join(model, 'notes.txt'))
    await save(model, 'new')
    expect(await read()).toEqual(['new', 'new'])
    await expectOthers()
    expect((await fs.stat(join(model, 'notes.txt'))).ino).toBe(ino)
    expect((await fs.readdir(model)).sort()).toEqual(['config', 'link', 'notes.txt', 'samples', 'weights'])
    expect(await fs.readdir(folder)).toEqual(['model'])
  })

  it('a file that would be read with the new ones is named, and nothing happens', async () => {
    await save(model, 'old')
    await fs.writeFile(join(model, 'state'), 'step 7')
    await expect(save(model, 'new')).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(/model holds state, which saving would not replace .*; move or remove it, or/),
      }),
    )
    expect(await read()).toEqual(['old', 'old'])
    expect(await fs.readFile(join(model, 'state'), 'utf8')).toBe('step 7')
    expect(await fs.readdir(folder)).toEqual(['model'])
  })

  it('nor is a folder taken for a file of its own', async () => {
    await save(model, 'old')
    await fs.mkdir(join(model, 'extra'))
    await expect(save(model, 'new')).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining('holds extra,') }),
    )
    expect(await fs.readdir(join(model, 'extra'))).toEqual([])
  })

  it('a link to a folder stays a link', async () => {
    await save(model, 'old')
    await fs.symlink('model', join(folder, 'latest'))
    await save(join(folder, 'latest'), 'new')
    expect(await fs.readlink(join(folder, 'latest'))).toBe('model')
    expect(await read()).toEqual(['new', 'new'])
  })

  it('removing a checkpoint leaves what others put there', async () => {
    await save(model, 'old')
    await others()
    await removeOwn(model, CLAIM)
    await expectOthers()
    expect((await fs.readdir(model)).sort()).toEqual(['link', 'notes.txt', 'samples'])
    await save(join(folder, 'alone'), 'old')
    await removeOwn(join(folder, 'alone'), CLAIM)
    expect(existsSync(join(folder, 'alone'))).toBe(false)
  })
})

it('killed before any change of the file system, a folder is the old or the new, and others’ files are there', async () => {
  let deaths = 0
  for (let step = 0; ; step++) {
    model = join(folder, `model-${step}`)
    await save(model, 'old')
    await others()
    life.left = step
    const failed = await save(model, 'new').then(
      () => false,
      () => true,
    )
    life.left = Number.POSITIVE_INFINITY
    await recoverFolder(model)
    expect(
      [
        ['old', 'old'],
        ['new', 'new'],
      ],
      `step ${step}`,
    ).toContainEqual(await read())
    expect(await fs.readFile(join(model, 'notes.txt'), 'utf8')).toBe('mine')
    await save(model, 'newest')
    expect(await read()).toEqual(['newest', 'newest'])
    await expectOthers()
    if (!failed) break
    deaths++
  }
  expect(deaths).toBeGreaterThan(6)
})
