import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import { writeAtomically, writeError } from '../../lib/files/atomic-write.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-'))
})
afterEach(() => rm(folder, { recursive: true }))

const systemError = (code: string) => Object.assign(new Error(`${code}: it failed, write`), { code, syscall: 'write' })

describe('writeAtomically', () => {
  it('replaces a file and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json')
    await writeFile(path, 'old and longer')
    await writeAtomically(path, (handle) => handle.writeFile('new'))
    expect(await readFile(path, 'utf8')).toBe('new')
    expect(await readdir(folder)).toEqual(['state.json'])
  })

  it('shows the old file until the new one is complete', async () => {
    const path = join(folder, 'state.json')
    await writeFile(path, 'old')
    await writeAtomically(path, async (handle) => {
      await handle.writeFile('ne')
      expect(await readFile(path, 'utf8')).toBe('old')
      await handle.writeFile('w')
    })
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  it.each(['ENOSPC', 'EDQUOT', 'EIO'])('keeps the old file on %s', async (code) => {
    const path = join(folder, 'state.json')
    await writeFile(path, 'old')
    const cause = systemError(code)
    const failure = writeAtomically(path, async (handle) => {
      await handle.writeFile('half')
      throw cause
    })
    await expect(failure).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IO', message: expect.stringContaining(path), cause }),
    )
    await expect(failure).rejects.toThrow(code === 'EIO' ? /untouched/ : /disk is full.*untouched/)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['state.json'])
  })

  it('passes on an error that is not the file system’s', async () => {
    const error = new ClipwrightError('ERR_DISPOSED', 'gone')
    await expect(writeAtomically(join(folder, 'a'), () => Promise.reject(error))).rejects.toBe(error)
    expect(await readdir(folder)).toEqual([])
  })

  it('follows a link, which stays one', async () => {
    await writeFile(join(folder, 'real'), 'old')
    await symlink('real', join(folder, 'link'))
    await writeAtomically(join(folder, 'link'), (handle) => handle.writeFile('new'))
    expect(await readFile(join(folder, 'real'), 'utf8')).toBe('new')
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(['link', 'real'])
  })

  it('puts no file in the place of a pipe or a folder', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await mkdir(join(folder, 'empty'))
    for (const [name, kind] of [
      ['pipe', 'a device, pipe or socket'],
      ['empty', 'a folder'],
    ] as const) {
      await expect(writeAtomically(join(folder, name), (handle) => handle.writeFile('new'))).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_IO',
          message: expect.stringContaining(`${name} could not be written because it is ${kind}`),
        }),
      )
    }
    expect((await lstat(join(folder, 'pipe'))).isFIFO()).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(['empty', 'pipe'])
  })

  it('says of a folder that is closed that it is, whatever the attempt was answered', () => {
    const answered = Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'mkdir' })
    // A folder into which not even root may write.
    expect(writeError('/proc/sys/new/model', answered)).toMatchObject({
      code: 'ERR_IO',
      message: '/proc/sys/new/model could not be written because this user may not write into /proc/sys.',
    })
  })

  it('names a folder that does not exist', async () => {
    const path = join(folder, 'nowhere', 'a')
    await expect(writeAtomically(path, async () => {})).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IO', message: expect.stringContaining('nowhere does not exist') }),
    )
  })

  it('does not say of a folder that is there that it does not exist', () => {
    const cause = Object.assign(new Error('ENOENT: no such file or directory, mkdir'), {
      code: 'ENOENT',
      syscall: 'mkdir',
    })
    expect(writeError(join(folder, 'run'), cause).message).toMatch(/could not be written \(ENOENT/)
  })

  it.each([[''], [undefined], ['a\0b']])('refuses the path %j', async (path) => {
    await expect(writeAtomically(path as string, async () => {})).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
  })
})
