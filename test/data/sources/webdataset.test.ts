import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../../lib/data/open.js'
import type { SourceOptions } from '../../../lib/data/source.js'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { readAddress } from '../../../lib/image/source.js'
import { picture } from '../pictures.js'
import { contentOf, samplesOf } from '../samples.js'
import { pairs, shardFolder, writeShard } from '../shards/shards.js'
import { longName, pax, tar } from '../tar/tar-writer.js'

const folder = shardFolder()
const at = (name: string) => join(folder, name)
const refused = (path: string, options?: SourceOptions) =>
  openSource(path, options).then(
    () => expect.fail('it was read'),
    (error) => ({ code: error.code as string, message: error.message as string }),
  )
const captions = async (path: string, options?: SourceOptions) => {
  const source = await openSource(path, options)
  return Promise.all(Array.from({ length: source.size! }, async (_, i) => (await source.sample(i)).captions))
}

describe('shards', () => {
  it('are named by a pattern, a folder, a text file or one by one, and are the same samples', async () => {
    for (let i = 0; i < 3; i++) writeShard(at(`many/a-00${i}.tar`), await pairs(10 * i, 10))
    writeFileSync(at('many/00000_stats.json'), '{}')
    writeFileSync(at('list.txt'), `# mine\n\nmany/a-{000..001}.tar\n${at('many/a-002.tar')}\n`)
    const own = await Promise.all(
      ['many/a-{000..002}.tar', 'many', 'list.txt', 'many/a-00{0,1,2}.tar'].map((name) => openSource(at(name))),
    )
    const contents = await Promise.all(own.map(async (source) => contentOf(await samplesOf(source))))
    expect(own[0]).toMatchObject({ format: 'webdataset', protocol: 'any', size: 30, notes: [] })
    expect(new Set(contents[0]!.map(({ captions }) => captions[0])).size).toBe(30)
    for (const content of contents) expect(content).toEqual(contents[0])
    for (const source of own) expect(await source.identity()).toBe(await own[0]!.identity())
    for (const { bytes, captions } of contents[0]!) {
      expect(bytes).toBe((await picture(Number(captions[0]!.slice(8)))).toString('base64'))
    }
  })

  it('give an exact permutation in every epoch, which is taken up anywhere', async () => {
    const source = await openSource(at('many'))
    const whole = await contentOf(await samplesOf(source, { seed: 3, epoch: 1 }))
    expect(whole.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i))
    for (const from of [1, 17, 29, 30])
      expect(await contentOf(await samplesOf(source, { seed: 3, epoch: 1, from }))).toEqual(whole.slice(from))
    expect(await contentOf(await samplesOf(source, { seed: 3, epoch: 2 }))).not.toEqual(whole)
  })

  it('are what retrieval is measured on, equal keys of two shards being two pictures', async () => {
    writeShard(at('equal/0.tar'), await pairs(0, 2))
    writeShard(at('equal/1.tar'), [
      { name: '000000.jpg', data: await picture(7, 'jpeg') },
      { name: '000000.txt', data: 'another' },
    ])
    const { images, captions, imageOfCaption, joined } = await evalSet(await openSource(at('equal')))
    expect(captions).toEqual(['caption 0', 'caption 1', 'another'])
    expect([...imageOfCaption]).toEqual([0, 1, 2])
    expect(joined).toBe(0)
    expect(await readAddress(images[2]!)).toEqual(await picture(7, 'jpeg'))
  })

  it('are indexed once, and again when a shard is another one', async () => {
    const path = writeShard(at('once/a.tar'), await pairs(0, 4))
    const time = new Date(2020, 1, 1)
    utimesSync(path, time, time)
    const first = await openSource(path)
    const kept = readdirSync(at('cache/shards')).length
    const before = await first.identity()
    expect(await (await openSource(path)).identity()).toBe(before)
    expect(readdirSync(at('cache/shards')).length).toBe(kept)
    // The same size, members at other places: only what was kept could say that nothing changed.
    const bytes = readFileSync(path)
    writeFileSync(
      path,
      tar([
        { name: 'x.png', data: 'p' },
        { name: 'x.txt', data: 't' },
      ]).subarray(0, bytes.length),
    )
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(bytes.length - readFileSync(path).length)]))
    utimesSync(path, time, time)
    expect(await (await openSource(path)).identity()).toBe(before)
    utimesSync(path, new Date(0), new Date(0))
    expect(await (await openSource(path)).identity()).not.toBe(before)
  })

  it('are indexed anew where what was kept is damaged', async () => {
    const path = writeShard(at('kept/a.tar'), await pairs(0, 4))
    const before = await (await openSource(path)).identity()
    for (const name of readdirSync(at('cache/shards'))) {
      const file = at(`cache/shards/${name}`)
      const bytes = readFileSync(file)
      bytes[bytes.length - 3]! ^= 1
      writeFileSync(file, bytes)
    }
    expect(await (await openSource(path)).identity()).toBe(before)
  })
})

describe('a sample', () => {
  it('is paired by the key up to the first point, endings in any case, caption and picture in any order', async () => {
    const path = writeShard(at('keys.tar'), [
      { name: 'v1.0/a.TXT', data: ' one \n' },
      { name: 'v1.0/a.JPG', data: await picture(0, 'jpeg') },
      longName(`${'d/'.repeat(80)}b.caption`),
      { name: 'x', data: 'two' },
      pax({ path: `${'d/'.repeat(80)}b.webp` }),
      { name: 'x', data: await picture(1, 'webp') },
      { name: 'c.json', data: '{"caption": ["three", "drei"], "url": "http://x"}' },
      { name: 'c.cls', data: '7' },
      { name: 'c.jpeg', data: await picture(2, 'jpeg') },
      { name: '__meta__.json', data: '{}' },
      { name: '._c.jpg', data: 'x' },
    ])
    expect(await captions(path)).toEqual([['one'], ['two'], ['three', 'drei']])
    expect((await openSource(path)).notes).toEqual([])
  })

  it('takes other members and keys when told so', async () => {
    const path = writeShard(at('other.tar'), [
      { name: 'a.left.png', data: await picture(1) },
      { name: 'a.png', data: await picture(2) },
      { name: 'a.txt', data: 'no' },
      { name: 'a.cap', data: 'by member' },
      { name: 'a.json', data: '{"alt": "by key", "caption": "no"}' },
    ])
    expect(await captions(path)).toEqual([['no']])
    expect(await captions(path, { captionKey: 'cap' })).toEqual([['by member']])
    expect(await captions(path, { captionKey: 'alt' })).toEqual([['by key']])
    const { image } = await (await openSource(path, { imageKey: 'left.png' })).sample(0)
    expect(await readAddress(image)).toEqual(await picture(1))
  })

  it('begins anew where a kind comes again, as in open_clip', async () => {
    const path = writeShard(at('again.tar'), [...(await pairs(0, 1)), ...(await pairs(0, 1))])
    expect(await captions(path)).toEqual([['caption 0'], ['caption 0']])
  })

  it('without a partner is left out and counted', async () => {
    const path = writeShard(at('partners.tar'), [
      { name: 'a.png', data: await picture(0) },
      { name: 'b.txt', data: 'b' },
      { name: 'c.npy', data: 'c' },
      ...(await pairs(5, 2)),
    ])
    const source = await openSource(path)
    expect(source.size).toBe(2)
    expect(source.notes).toEqual([
      `3 samples of the shards are no pairs and were left out: 1 have no caption, 1 no picture, 1 neither; the first is a of ${path}.`,
    ])
  })

  it('whose caption or picture is none is found when it is read, and named', async () => {
    const path = writeShard(at('faults.tar'), [
      ...(await pairs(0, 1)),
      { name: 'empty.png', data: await picture(1) },
      { name: 'empty.txt', data: ' \n' },
      { name: 'latin.png', data: await picture(1) },
      { name: 'latin.txt', data: Buffer.from('\xe4', 'latin1') },
      { name: 'json.png', data: await picture(1) },
      { name: 'json.json', data: '{"key": "000"}' },
      { name: 'zero.png' },
      { name: 'zero.txt', data: 'nothing' },
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'sparse.png' }),
      { name: 'x', data: 'y' },
      { name: 'sparse.txt', data: 'holes' },
    ])
    const source = await openSource(path)
    const found = await Promise.all(
      (await samplesOf(source)).map(async ({ image, index }) => {
        const error = await readAddress(image).then(
          (bytes) => `${bytes.length > 0 ? 'a picture' : 'nothing'}`,
          ({ code, message }) => `${code} ${message}`,
        )
        return [index, error]
      }),
    )
    expect(found.sort()).toEqual([
      [0, 'a picture'],
      [1, `ERR_FORMAT empty.txt of ${path}: the caption is empty.`],
      [2, `ERR_FORMAT latin.txt of ${path}: expected a caption in UTF-8, got another encoding.`],
      [3, `ERR_FORMAT json.json of ${path}: expected a caption in "caption", got the keys "key".`],
      [4, 'nothing'],
      [
        5,
        `ERR_FORMAT sparse.png of ${path} is a sparse member, which lacks the parts that were empty; pack it again without --sparse.`,
      ],
    ])
  })
})

describe('shards are refused', () => {
  it('when one is cut short, damaged, packed or no archive, by name and place', async () => {
    const whole = tar(await pairs(0, 3))
    const write = (name: string, bytes: Buffer) => {
      writeFileSync(at(name), bytes)
      return at(name)
    }
    const cut = write('cut.tar', whole.subarray(0, 2600))
    expect(await refused(cut)).toEqual({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/cut\.tar is cut short: it ends at byte 2600, but .*fetch it again/),
    })
    const damaged = Buffer.from(whole)
    damaged[1024 + 20]! ^= 1
    expect((await refused(write('damaged.tar', damaged))).message).toMatch(
      /damaged\.tar is damaged at byte 1024: .*checksum/,
    )
    expect((await refused(write('packed.tar', Buffer.from('\x1f\x8b\x08rest of it', 'latin1')))).message).toContain(
      'is packed with gzip',
    )
    expect((await refused(write('zip.tar', Buffer.from(`PK\x03\x04${'x'.repeat(600)}`)))).message).toContain(
      'it is a zip archive',
    )
    expect((await refused(write('none.tar', Buffer.from('hello')))).message).toContain('is no tar archive')
    expect((await refused(write('empty.tar', Buffer.alloc(0)))).message).toContain('is no tar archive: it is empty')
    // Without its end mark it may be whole.
    const { size, notes } = await openSource(write('endless.tar', whole.subarray(0, -1024)))
    expect({ size, notes }).toEqual({ size: 3, notes: [expect.stringMatching(/endless\.tar has no end mark/)] })
  })

  it('when one is missing or named twice', async () => {
    expect(await refused(at('many/a-{000..009}.tar'))).toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('a-003.tar'),
    })
    writeFileSync(at('twice.txt'), 'many/a-000.tar\nmany/../many/a-000.tar\n')
    expect((await refused(at('twice.txt'))).message).toMatch(/names the shard .* twice/)
    expect((await refused(`${at('many/a-')}{0..99999999}.tar`)).message).toContain('more than 100000 shards')
  })

  it('when there is no pair, with what was found', async () => {
    const none = writeShard(at('none-2.tar'), [
      { name: 'a.b.jpg', data: 'x' },
      { name: 'a.cls', data: 'x' },
    ])
    expect((await refused(none)).message).toMatch(
      /has no pair: .*got 1 samples of "b\.jpg", "cls" \(the first has the key "a"\)/,
    )
    const nested = writeShard(at('nested.tar'), [{ name: '0.tar', data: tar(await pairs(0, 1)) }])
    expect((await refused(nested)).message).toContain('It holds archives: unpack it')
    expect((await refused(writeShard(at('nameless.tar'), [{ name: 'README' }]))).message).toContain(
      'no member with an ending',
    )
  })

  it('and nothing is written for members whose paths lead outwards', async () => {
    const path = writeShard(at('deep/out.tar'), [
      { name: '../../out.png', data: await picture(0) },
      { name: '../../out.txt', data: 'a caption' },
    ])
    expect(await captions(path)).toEqual([['a caption']])
    expect(existsSync(at('out.txt'))).toBe(false)
  })
})
