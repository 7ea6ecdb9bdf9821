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

  const full = () => Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28, syscall: 'write' })
  const handleOf = () => vi.mocked(open).mock.results.at(-1)!.value

  test('a disk that is full for a moment loses nothing: the failure is told at once, and pending lines are tried again', async () => {
    const told: unknown[] = []
    const file = await AppendFile.open(path('c'), 0, (error) => told.push(error))
    const append = vi.spyOn(await handleOf(), 'appendFile')
    append.mockRejectedValueOnce(full()).mockRejectedValueOnce(full())
    file.append('one\n')
    await vi.waitFor(() => expect(told).toHaveLength(1))
    expect(told[0]).toMatchObject({ code: 'ERR_IO', message: expect.stringContaining(`${path('c')} could not be`) })
    expect(await file.flush()).toBe(4) // what will be there
    expect(text('c')).toBe('')
    file.append('two\n')
    expect(await file.flush()).toBe(8)
    expect(text('c')).toBe('one\ntwo\n')
    expect(told).toHaveLength(1)
    append.mockRejectedValueOnce(full())
    file.append('three\n')
    await vi.waitFor(() => expect(told).toHaveLength(2)) // another spell
    await file.close()
    expect(text('c')).toBe('one\ntwo\nthree\n')
  })

  test('half a write that failed is taken back before the next', async () => {
    const file = await AppendFile.open(path('d'))
    const handle = await handleOf()
    const append = vi.spyOn(handle, 'appendFile').mockImplementationOnce(async (data: unknown) => {
      await handle.write((data as Uint8Array).subarray(0, 3))
      throw full()
    })
    file.append('whole line\n')
    await file.flush()
    await file.flush()
    expect(append).toHaveBeenCalledTimes(2)
    await file.close()
    expect(text('d')).toBe('whole line\n')
  })

  test('tries again by itself after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const file = await AppendFile.open(path('e'))
      vi.spyOn(await handleOf(), 'appendFile').mockRejectedValueOnce(full())
      file.append('late\n')
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
      vi.advanceTimersByTime(5000)
      await vi.waitFor(() => expect(text('e')).toBe('late\n'))
      await file.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test('what the disk never took is told when the file is closed, and the file is closed all the same', async () => {
    const file = await AppendFile.open(path('f'))
    const handle = await handleOf()
    vi.spyOn(handle, 'appendFile').mockRejectedValue(full())
    file.append('lost')
    await expect(file.close()).rejects.toMatchObject({ code: 'ERR_IO' })
    expect(handle.fd).toBe(-1)
    expect(text('f')).toBe('')
  })
})
