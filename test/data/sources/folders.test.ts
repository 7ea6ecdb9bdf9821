import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openSource } from '../../../lib/data/open.js'
import type { SourceOptions } from '../../../lib/data/source.js'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { readAddress } from '../../../lib/image/source.js'
import { picture } from '../pictures.js'
import { samplesOf } from '../samples.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-folders-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const write = (name: string, data: string | Buffer = '') => {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), data)
}
const refused = (path: string, options?: SourceOptions) =>
  openSource(path, options).then(
    () => expect.fail('it was read'),
    ({ code, message }) => `${code} ${message}`,
  )

describe('a folder of pictures with captions beside them', () => {
  it('is read with those below it, as img2dataset writes files', async () => {
    write('files/00000_stats.json', '{}')
    write('files/00000.parquet')
    for (const [i, ending] of ['jpg', 'PNG', 'webp'].entries()) write(`files/0000${i}/a.b.${ending}`, await picture(i))
    write('files/00000/a.b.txt', 'one\n')
    write('files/00000/a.b.json', '{"caption": "not this"}')
    write('files/00001/a.b.caption', 'two')
    write('files/00002/a.b.json', '{"caption": "three", "status": "success"}')
    write('files/00002/lonely.jpg')
    write('files/.hidden.jpg')
    const source = await openSource(at('files'))
    expect(source).toMatchObject({ format: 'folder', size: 3, protocol: 'any' })
    expect(source.notes).toEqual([
      `1 pictures of ${at('files')} have no caption beside them and were left out; the first is 00002/lonely.jpg.`,
    ])
    const { captions, images, imageOfCaption } = await evalSet(source)
    expect(captions).toEqual(['one', 'two', 'three'])
    expect(images).toEqual([at('files/00000/a.b.jpg'), at('files/00001/a.b.PNG'), at('files/00002/a.b.webp')])
    expect([...imageOfCaption]).toEqual([0, 1, 2])
    expect((await samplesOf(source)).map(({ index }) => index).sort()).toEqual([0, 1, 2])
    expect(await source.identity()).toBe(await (await openSource(at('files'))).identity())
    expect(await source.someCaptions(2)).toEqual(['one', 'three'])
  })

  it('takes captions by another ending, or another key', async () => {
    write('keys/a.png')
    write('keys/a.json', '{"alt": "by key", "caption": "usual"}')
    write('keys/a.cap', 'by ending')
    const caption = async (captionKey?: string) =>
      (await (await openSource(at('keys'), { captionKey })).sample(0)).captions
    expect(await caption()).toEqual(['usual'])
    expect(await caption('cap')).toEqual(['by ending'])
    expect(await caption('alt')).toEqual(['by key'])
    rmSync(at('keys/a.json'))
    expect(await caption('cap')).toEqual(['by ending'])
  })

  it('has faults that are found where the picture would be', async () => {
    write('faults/a.png', await picture(0))
    write('faults/a.txt', '\n')
    const [sample] = await samplesOf(await openSource(at('faults')))
    await expect(readAddress(sample!.image)).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: `${at('faults/a.txt')}: the caption is empty.`,
    })
  })

  it('without any data says what it holds', async () => {
    for (let i = 0; i < 3; i++) write(`nothing/${i}.npy`)
    write('nothing/README')
    expect(await refused(at('nothing'))).toMatch(
      /holds no data: expected .*, and it holds 3 of \.npy, 1 of no ending\./,
    )
  })
})

describe('a folder for each class', () => {
  it('has sentences about its name for captions, which belong to all of its pictures', async () => {
    for (const name of ['great_dane/1.png', 'great_dane/2.png', 'pug/deep/3.png'])
      write(`classes/${name}`, await picture(1))
    const source = await openSource(at('classes'))
    expect(source).toMatchObject({ format: 'classes', size: 3 })
    expect((await source.sample(0)).captions).toEqual(['a photo of a great dane.'])
    const captionsOfClass = (name: string) => [`a ${name}`, `the ${name}`]
    const own = await openSource(at('classes'), { captionsOfClass })
    const { captions, imageOfCaption, images } = await evalSet(own)
    expect(captions).toEqual(['a great dane', 'the great dane', 'a pug', 'the pug'])
    expect([...imageOfCaption]).toEqual([[0, 1], [0, 1], [2], [2]])
    expect(images).toHaveLength(3)
    expect(await own.identity()).not.toBe(await source.identity())
  })

  it('takes names from classes.json, and refuses a class without pictures', async () => {
    write('named/n1/1.png')
    write('named/classes.json', '{"n1": "tench"}')
    expect((await (await openSource(at('named'))).sample(0)).captions).toEqual(['a photo of a tench.'])
    write('hollow/a/1.png')
    mkdirSync(at('hollow/b'))
    expect(await refused(at('hollow'))).toContain('there is no picture in the class folder b')
  })
})
