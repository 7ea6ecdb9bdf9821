/** Features on the disk: what is written is read, and what is damaged or of something else is not. */
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FeatureFile } from '../../../lib/data/features/feature-file.js'
import { FeatureRows, KEY_BYTES } from '../../../lib/data/features/feature-rows.js'
import { temporaryFolder } from '../../train/pictures.js'

const folder = temporaryFolder()
const DIM = 3
const ROOM = 2 ** 20
const key = (i: number) => String.fromCharCode(200, i & 255, i >> 8).padEnd(KEY_BYTES, '\xff')
const values = (i: number) => Float32Array.of(i, -i / 3, i * 1e-20)
function rowsOf(count: number, bytes = ROOM): FeatureRows {
  const rows = new FeatureRows(DIM, bytes)
  for (let i = 0; i < count; i++) rows.add(key(i), values(i))
  return rows
}

describe('rows', () => {
  it('are found by their keys, also beyond a piece of memory', () => {
    const rows = rowsOf(5000)
    expect(rows.count).toBe(5000)
    for (const i of [0, 4095, 4096, 4999]) expect(rows.get(key(i))).toEqual(values(i))
    expect(rows.get(key(5000))).toBeUndefined()
    rows.add(key(7), values(8))
    expect(rows.get(key(7))).toEqual(values(7))
  })

  it('are no more than fit', () => {
    const rows = rowsOf(9, 5 * (4 * DIM + KEY_BYTES) + 3)
    expect([rows.count, rows.has(key(4)), rows.has(key(5))]).toEqual([5, true, false])
  })
})

describe('a file', () => {
  it('gives back what it was given, and knows no other identity', async () => {
    const at = join(folder, 'whole')
    expect(await new FeatureFile(at, 'image', 'a').read(rowsOf(0))).toEqual({ kept: 0 })
    await new FeatureFile(at, 'image', 'a').write(rowsOf(5000))
    const rows = rowsOf(0)
    expect(await new FeatureFile(at, 'image', 'a').read(rows)).toEqual({ kept: 5000 })
    for (const i of [0, 4095, 4096, 4999]) expect(rows.get(key(i))).toEqual(values(i))
    const other = await new FeatureFile(at, 'image', 'b').read(rowsOf(0))
    expect(other).toMatchObject({ kept: 0, rebuilt: expect.stringContaining('another model or preprocessing') })
    expect(await new FeatureFile(at, 'text', 'a').read(rowsOf(0))).toEqual({ kept: 0 })
  })

  it.each<[string, (path: string) => void, RegExp]>([
    ['was cut', (path) => truncateSync(path, 200), /should have/],
    [
      'has another bit',
      (path) => {
        const bytes = readFileSync(path)
        bytes[bytes.length - 1]! ^= 1
        writeFileSync(path, bytes)
      },
      /checksum/,
    ],
    ['is of something else', (path) => writeFileSync(path, '{"magic":"features of another kind"}\n'), /something else/],
    ['is empty', (path) => writeFileSync(path, ''), /no head/],
  ])('that %s is as none', async (what, damage, reason) => {
    const file = new FeatureFile(join(folder, what), 'image', 'a')
    await file.write(rowsOf(40))
    damage(file.path)
    const rows = rowsOf(0)
    expect(await file.read(rows)).toMatchObject({ kept: 0, rebuilt: expect.stringMatching(reason) })
    expect(rows.count).toBe(0)
  })

  it('makes room in its folder by removing what was not used for longest, of features alone', async () => {
    const at = join(folder, 'others')
    mkdirSync(at)
    writeFileSync(join(at, 'notes.txt'), 'mine')
    const files = ['a', 'b', 'c'].map((identity) => new FeatureFile(at, 'image', identity))
    for (const [i, file] of files.entries()) {
      await file.write(rowsOf(2))
      utimesSync(file.path, i + 1, i + 1)
    }
    await files[0]!.read(rowsOf(0)) // used now
    const { size } = statSync(files[0]!.path)
    const last = new FeatureFile(at, 'text', 'd', 3 * size)
    await last.write(rowsOf(2))
    const left = [files[0]!, files[2]!, last].map(({ path }) => basename(path))
    expect(readdirSync(at).sort()).toEqual([...left, 'notes.txt'].sort())
  })
})
