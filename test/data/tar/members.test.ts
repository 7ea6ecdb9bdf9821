import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type Member, walkTar } from '../../../lib/data/tar/members.js'
import { fuzz, fuzzTimeout } from '../../fuzz/fuzz.js'
import { mutateBytes } from '../../fuzz/mutations.js'
import { type Entry, entry, longName, pax, tar } from './tar-writer.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-tar-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** @param stride how much a reading brings besides what is asked for */
function walk(archive: Buffer, stride = 0) {
  const members: Member[] = []
  const steps = walkTar(archive.length, (member) => members.push(member))
  let step = steps.next()
  while (!step.done) {
    const { offset, length } = step.value
    step = steps.next(archive.subarray(offset, offset + Math.max(length, stride)))
  }
  const files = members.map(({ name, offset, size }) => [name, archive.toString('utf8', offset, offset + size)])
  return { members, files, end: step.value }
}
const files = (entries: readonly Entry[]) => walk(tar(entries)).files

describe('the members of an archive', () => {
  it('are its files, whatever is read at once', () => {
    const archive = tar([
      { name: 'a.txt', data: 'one' },
      { name: 'd/', type: '5' },
      { name: 'd/b.jpg', data: 'x'.repeat(1500) },
    ])
    for (const stride of [0, 100, 513, 4096, 1 << 20]) {
      const { files, end } = walk(archive, stride)
      expect(files).toEqual([
        ['a.txt', 'one'],
        ['d/b.jpg', 'x'.repeat(1500)],
      ])
      expect(end).toBeUndefined()
    }
  })

  it('are those of tar itself, in each of its formats', () => {
    const long = `${'folder/'.repeat(3)}${'n'.repeat(90)}.jpg`
    const names = ['a.jpg', 'ä 你好.txt', long, `${'deep/'.repeat(60)}${'m'.repeat(120)}.txt`]
    for (const format of ['v7', 'ustar', 'gnu', 'pax']) {
      const own = join(folder, format)
      const fitting = format === 'v7' ? names.slice(0, 2) : format === 'ustar' ? names.slice(0, 3) : names
      for (const name of fitting) {
        mkdirSync(join(own, name, '..'), { recursive: true })
        writeFileSync(join(own, name), `in ${name}`)
      }
      execFileSync('tar', ['-C', own, `--format=${format}`, '-cf', join(folder, `${format}.tar`), ...fitting])
      expect(walk(readFileSync(join(folder, `${format}.tar`))).files).toEqual(fitting.map((n) => [n, `in ${n}`]))
    }
  })

  it('have long names by pax and GNU, and sizes by pax and in binary', () => {
    const long = `${'x/'.repeat(200)}a.jpg`
    const binary = (size: number) => (h: Buffer) => {
      h.fill(0, 124, 136)
      h[124] = 0x80
      h.writeUInt32BE(size, 132)
    }
    expect(
      files([
        longName(long),
        { name: 'cut', data: 'one' },
        pax({ path: `${long}é`, size: '3' }),
        { name: 'cut', data: 'two' },
        { name: 'b.txt', data: 'three', change: binary(5) },
        pax({ comment: 'of all' }, 'g'),
        { name: 'c.txt', data: 'four' },
      ]),
    ).toEqual([
      [long, 'one'],
      [`${long}é`, 'two'],
      ['b.txt', 'three'],
      ['c.txt', 'four'],
    ])
  })

  it('are no links, folders or devices, and may be empty or lie anywhere', () => {
    const names = files([
      { name: 'link.jpg', type: '2', size: 1000 },
      { name: 'hard.jpg', type: '1', size: 1000 },
      { name: 'pipe', type: '6' },
      { name: '../out.txt' },
      { name: '/abs.txt', data: 'x' },
    ])
    expect(names).toEqual([
      ['../out.txt', ''],
      ['/abs.txt', 'x'],
    ])
  })

  it('say when they are sparse, of GNU old and new', () => {
    const map = Buffer.alloc(512)
    const old: Entry = {
      name: 's.jpg',
      type: 'S',
      data: Buffer.concat([map, Buffer.from('data')]),
      size: 4,
      change: (h) => h.writeUInt8(1, 482),
    }
    const { members } = walk(
      tar([old, pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 't.jpg' }), { name: 'x', data: 'y' }]),
    )
    expect(members).toEqual([
      { name: 's.jpg', offset: 1024, size: 4, sparse: true },
      expect.objectContaining({ name: 't.jpg', sparse: true }),
    ])
  })
})

describe('an archive that is not whole', () => {
  const whole = tar([
    { name: 'a.txt', data: 'one' },
    { name: 'b.txt', data: 'x'.repeat(600) },
  ])
  it.each([
    ['in a member', whole.subarray(0, 1800), { kind: 'truncated', at: 1800, what: '"b.txt" should end at byte 2136' }],
    ['in a header', whole.subarray(0, 1200), { kind: 'truncated', at: 1200, what: 'its last block is cut off' }],
    ['between members', whole.subarray(0, 1024), 'no-end'],
    ['in its end mark', whole.subarray(0, 2560 + 512), undefined],
    ['with nothing', Buffer.alloc(0), { kind: 'not-tar', at: 0, what: 'it is empty' }],
  ])('is cut %s', (_, archive, end) => expect(walk(archive).end).toEqual(end))

  it('is no archive, or damaged further on', () => {
    expect(walk(Buffer.from('x'.repeat(2000))).end).toMatchObject({ kind: 'not-tar', at: 0 })
    const damaged = Buffer.from(whole)
    damaged[1030]! ^= 1
    expect(walk(damaged)).toMatchObject({ files: [['a.txt', 'one']], end: { kind: 'damaged', at: 1024 } })
    const endless = tar([{ name: 'a', type: 'L', size: 1 << 30 }])
    expect(walk(endless).end).toMatchObject({ kind: 'not-tar' })
    expect(walk(Buffer.concat([entry({ name: 'a' }), entry(longName('b'))])).end).toMatchObject({ kind: 'truncated' })
  })

  it(
    'never leads out of itself',
    () =>
      fuzz('tar', { codes: [] }, async (random) => {
        const original = tar([
          pax({ path: 'long.jpg' }),
          { name: 'a', data: 'xyz' },
          longName('b.txt'),
          { name: 'b', data: 'cap' },
        ])
        const archive = mutateBytes(original, random, [0, 3000])
        for (const { offset, size } of walk(archive).members) expect(offset + size).toBeLessThanOrEqual(archive.length)
      }),
    fuzzTimeout,
  )
})
