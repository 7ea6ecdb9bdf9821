import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { AppendFile } from '../../lib/files/append-file.js'
import { temporaryFolder } from '../train/pictures.js'

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>()
  return { ...actual, open: vi.fn(actual.open) }
})

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const text = (name: string) => readFileSync(path(name), 'utf8')

describe('AppendFile', () => {
  test('appends text and bytes in order, without waiting, and tells the length once all is on the disk', async () => {
    const file = await AppendFile.open(path('a'))
    expect(file.isEmpty).toBe(true)
    for (let i = 0; i < 100; i++) file.append(`${i}\n`)
    expect(file.isEmpty).toBe(false)
    file.append(Uint8Array.of(0xe7, 0x8c, 0xab))
    const expected = `${Array.from({ length: 100 }, (_, i) => `${i}\n`).join('')}猫`
    expect(await file.flush()).toBe(Buffer.byteLength(expected))
    expect(text('a')).toBe(expected)
    file.append('more')
    await file.close()
    expect(text('a')).toBe(`${expected}more`)
  })

  test('keeps of an earlier file what it is told, and no more than there is', async () => {
    writeFileSync(path('b'), 'one\ntwo\n')
    const file = await AppendFile.open(path('b'), 4)
    expect(file.isEmpty).toBe(false)
    file.append('three\n')
    expect(await file.flush()).toBe(10)
    await file.close()
    expect(text('b')).toBe('one\nthree\n')
    const shorter = await AppendFile.open(path('b'), 99)
    expect(await shorter.flush()).toBe(10)
    await shorter.close()
    expect(text('b')).toBe('one\nthree\n')
    const anew = await AppendFile.open(path('b'))
    expect(anew.isEmpty).toBe(true)
    await anew.close()
    expect(text('b')).toBe('')
  })

  test('tells a failure when it is flushed and when it is closed, writes nothing after it, and closes the file', async () => {
    const file = await AppendFile.open(path('c'))
    const handle = await vi.mocked(open).mock.results.at(-1)!.value
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28, syscall: 'write' })
    const append = vi.spyOn(handle, 'appendFile').mockRejectedValueOnce(full)
    file.append('lost')
    const failure = { code: 'ERR_IO', message: expect.stringContaining(`${path('c')} could not be written`) }
    await expect(file.flush()).rejects.toMatchObject(failure)
    file.append('after')
    await expect(file.flush()).rejects.toMatchObject(failure)
    await expect(file.close()).rejects.toMatchObject(failure)
    expect(append).toHaveBeenCalledTimes(1)
    expect(handle.fd).toBe(-1)
    expect(text('c')).toBe('')
  })
})
