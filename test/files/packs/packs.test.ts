/** Blobs by key in a folder that processes share: kept, found, shared, checked, bounded, and nobody's failure. */
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { Packs, type PacksOptions } from '../../../lib/files/packs/packs.js'
import { native } from '../../../lib/native/addon.js'
import { temporaryFolder } from '../../train/pictures.js'

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>()
  return { ...actual, open: vi.fn(actual.open) }
})

const root = temporaryFolder()
const blob = (value: number, length = 100) => new Uint8Array(length).fill(value)
const packsIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.pack'))

const read: PacksOptions['read'] = ({ fd }, offset, into) => native().readSummed({ file: fd, offset, into })

async function opened(name: string, options: Partial<PacksOptions> = {}) {
  const said: string[] = []
  const folder = join(root, name)
  const say = (message: string) => said.push(message)
  return { folder, said, packs: await Packs.open(folder, { maker: 'a test', limit: 2 ** 30, say, read, ...options }) }
}

async function get(packs: Packs, key: string, length = 100): Promise<number[] | undefined> {
  const found = packs.find(key)
  const into = new Uint8Array(length)
  return found && (await packs.read(found, into)) ? [into[0]!, into[length - 1]!] : undefined
}

describe('packs', () => {
  test('give back what was added, at once, to others once it is whole, and by each of its keys', async () => {
    const { folder, packs, said } = await opened('shared')
    await Promise.all([1, 2, 3].map((i) => packs.add([`a${i}`, `b${i}`], blob(i), { i })))
    expect(await get(packs, 'a2')).toEqual([2, 2])
    expect(packsIn(folder)).toEqual([])
    const other = await opened('shared')
    expect(other.packs.find('a2')).toBeUndefined()
    await other.packs.add(['a9'], blob(9), null)
    await packs.close()
    await other.packs.close()
    expect(packsIn(folder)).toHaveLength(2)
    const later = await opened('shared')
    expect(later.packs.size).toBe(4)
    expect(await get(later.packs, 'b3')).toEqual([3, 3])
    expect(later.packs.find('b3')!.entry.note).toEqual({ i: 3 })
    expect(await get(later.packs, 'a9')).toEqual([9, 9])
    expect(await get(later.packs, 'a1', 99)).toBeUndefined() // no blob of that length
    await later.packs.close()
    expect(said).toEqual([])
    expect(readdirSync(folder)).toEqual(packsIn(folder))
  })

  test('forget what is damaged and say so once; a pack without an index is removed', async () => {
    const { folder, packs } = await opened('damaged')
    for (const i of [1, 2, 3]) await packs.add([`${i}`], blob(i), null)
    await packs.close()
    const [name] = packsIn(folder)
    const bytes = readFileSync(join(folder, name!))
    bytes[150] = 7
    writeFileSync(join(folder, name!), bytes)
    writeFileSync(join(folder, 'cut.pack'), bytes.subarray(0, bytes.length - 5))
    const { packs: again, said } = await opened('damaged')
    expect(said).toEqual([expect.stringContaining('cut.pack is damaged; it is removed')])
    expect(await get(again, '2')).toBeUndefined()
    expect(again.find('2')).toBeUndefined()
    expect([await get(again, '1'), await get(again, '3')]).toEqual([
      [1, 1],
      [3, 3],
    ])
    expect(said[1]).toContain('is damaged; what of it cannot be read is made again.')
    await again.add(['2'], blob(2), null)
    expect(await get(again, '2')).toEqual([2, 2])
    await again.close()
    expect(said).toHaveLength(2)
  })

  test('of another maker are removed, and that is said', async () => {
    const { folder, packs } = await opened('other')
    await packs.add(['a'], blob(1), null)
    await packs.close()
    const { packs: newer, said } = await opened('other', { maker: 'a newer test' })
    expect(newer.size).toBe(0)
    expect(said).toEqual([expect.stringContaining('was made by another version (a test); it is removed')])
    await newer.close()
    expect(packsIn(folder)).toEqual([])
  })

  test('keep to their limit: packs that nobody used for a day go, then nothing more is added', async () => {
    const { folder, packs } = await opened('limit')
    await packs.add(['old'], blob(1, 1000), null)
    await packs.close()
    const fresh = await opened('limit', { limit: 1800 })
    await fresh.packs.add(['new'], blob(2, 1000), null)
    expect(fresh.said).toEqual([expect.stringContaining('has reached its limit')])
    expect(fresh.packs.find('new')).toBeUndefined()
    await fresh.packs.close()
    const before = new Date(Date.now() - 2 * 86_400_000)
    for (const name of packsIn(folder)) utimesSync(join(folder, name), before, before)
    const later = await opened('limit', { limit: 1800 })
    await later.packs.add(['new'], blob(2, 1000), null)
    expect([later.packs.find('old'), await get(later.packs, 'new', 1000)]).toEqual([undefined, [2, 2]])
    expect(later.said).toEqual([])
    await later.packs.close()
    expect(packsIn(folder)).toHaveLength(1)
  })

  test('a full disk is said once, and nothing of the pack that met it is left', async () => {
    const { folder, packs, said } = await opened('full')
    await packs.add(['a'], blob(1), null)
    const handles = vi.mocked(open).mock.results.slice(-2)
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28, syscall: 'write' })
    for (const { value } of handles) vi.spyOn(await value, 'write').mockRejectedValue(full)
    await Promise.all([packs.add(['b'], blob(2), null), packs.add(['c'], blob(3), null)])
    await packs.add(['d'], blob(4), null)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /could not be written because the disk is full \(ENOSPC\).*The run goes on without keeping more\.$/,
    )
    for (const key of ['b', 'c', 'd']) expect(packs.find(key)).toBeUndefined()
    await packs.close()
    expect(readdirSync(folder)).toEqual([])
  })

  test('a folder that cannot be is said, and nothing fails', async () => {
    writeFileSync(join(root, 'file'), '')
    const { packs, said } = await opened(join('file', 'folder'))
    await packs.add(['a'], blob(1), null)
    expect(packs.find('a')).toBeUndefined()
    await packs.close()
    expect(said).toEqual([expect.stringContaining('cannot be used as a cache')])
  })
})
