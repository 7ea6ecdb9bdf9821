import { createHash, randomBytes } from 'node:crypto'
import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendUncached } from '../../lib/files/append-uncached.js'

let folder: string
let path: string
let handle: FileHandle
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uncached-'))
  path = join(folder, 'file')
  handle = await open(path, 'wx')
})
afterEach(async () => {
  await handle.close()
  await rm(folder, { recursive: true })
})

/** Longer than what is gathered at a time, and no multiple of anything. */
const BYTES = randomBytes(5_000_003)

/** Appends all of it in pieces of uneven lengths. */
const fill = async (append: (bytes: Uint8Array) => Promise<void>) => {
  let at = 0
  for (let length = 1; at < BYTES.length; length = length * 3 + 1) {
    await append(BYTES.subarray(at, at + length))
    at += length
  }
}
const written = () => readFile(path)
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A second handle on the same file that writes as `write` says. */
const through =
  (write: (handle: FileHandle, ...call: [Uint8Array, number, number, number]) => unknown) => async (at: string) => {
    const real = await open(at, constants.O_WRONLY)
    return {
      write: (...call: [Uint8Array, number, number, number]) => write(real, ...call),
      close: () => real.close(),
    } as unknown as FileHandle
  }

const failure = (code: string) => Object.assign(new Error(`${code}: it failed, write`), { code, syscall: 'write' })

describe('appendUncached', () => {
  it('writes all, and shows each byte once in its order', async () => {
    const hash = createHash('sha256')
    await appendUncached(handle, path, fill, hash)
    expect((await written()).equals(BYTES)).toBe(true)
    expect(hash.digest('hex')).toBe(digest(BYTES))
  })

  it.each([0, 1, 4096, 4097, 2 ** 21])('writes %d bytes', async (length) => {
    await appendUncached(handle, path, (append) => append(BYTES.subarray(0, length)))
    expect((await written()).equals(BYTES.subarray(0, length))).toBe(true)
  })

  it('goes past the page cache in whole pages at multiples of them, and through it for the rest', async () => {
    const calls: [number, number][] = []
    const direct = through((real, bytes, from, length, position) => {
      calls.push([length, position])
      return real.write(bytes, from, length, position)
    })
    await appendUncached(handle, path, fill, undefined, direct)
    expect((await written()).equals(BYTES)).toBe(true)
    expect(calls).toEqual([
      [2 ** 21, 0],
      [2 ** 21, 2 ** 21],
      [BYTES.length - (BYTES.length % 4096) - 2 ** 22, 2 ** 22],
    ])
  })

  it('opens the file once more, to write it without the cache', async () => {
    const flags = () =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return []
          const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
          return [Number.parseInt(/flags:\s*(\d+)/.exec(text)![1]!, 8) & constants.O_DIRECT]
        } catch {
          return [] // another that was closed meanwhile
        }
      })
    const supported = await open(path, constants.O_WRONLY | constants.O_DIRECT).then(
      (it) => it.close().then(() => true),
      () => false,
    )
    let during: number[] = []
    await appendUncached(handle, path, async () => {
      during = flags()
    })
    expect(during.filter((direct) => direct > 0)).toHaveLength(supported ? 1 : 0)
    expect(flags()).toEqual([0])
  })

  it('goes on behind whatever the system took', async () => {
    const some = through((real, bytes, from, length, position) => real.write(bytes, from, (length / 3) | 0, position))
    await appendUncached(handle, path, fill, undefined, some)
    expect((await written()).equals(BYTES)).toBe(true)
  })

  it.each(['EINVAL', 'EOPNOTSUPP'])('goes through the cache where the file system answers %s', async (code) => {
    let calls = 0
    const refusing = through(() => {
      calls++
      throw failure(code)
    })
    await appendUncached(handle, path, fill, undefined, refusing)
    expect((await written()).equals(BYTES)).toBe(true)
    expect(calls).toBe(1)
  })

  it('goes through the cache where the file system does not open files so', async () => {
    await appendUncached(handle, path, fill, undefined, () => Promise.reject(failure('EINVAL')))
    expect((await written()).equals(BYTES)).toBe(true)
  })

  it.each(['ENOSPC', 'EIO'])('fails as the disk does: %s', async (code) => {
    const cause = failure(code)
    const full = through((real, bytes, from, length, position) => {
      if (position > 0) throw cause
      return real.write(bytes, from, length, position)
    })
    await expect(appendUncached(handle, path, fill, undefined, full)).rejects.toBe(cause)
  })
})
