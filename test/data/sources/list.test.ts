import { execFileSync } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { evalSet } from '../../../lib/eval/eval-set.js'
import { openList } from '../open-list.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-list-'))
})

const write = async (text: string) => {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`)
  await writeFile(path, text)
  return path
}

describe('a caption list', () => {
  it('takes one caption or several, and paths relative to the list', async () => {
    const path = await write('[{"image":"a.png","caption":"one"},{"image":"x/../b.png","caption":["two","three"]}]')
    const list = await openList(path)
    expect(list).toMatchObject({ path, format: 'list' })
    expect(list.items).toEqual([
      { image: join(folder, 'a.png'), captions: ['one'] },
      { image: join(folder, 'b.png'), captions: ['two', 'three'] },
    ])
    const set = await evalSet(list)
    expect(set.captions).toEqual(['one', 'two', 'three'])
    expect([...set.imageOfCaption]).toEqual([0, 1, 1])
  })

  it.each([
    ['{"image":1}', 'ERR_DATA', 'expected a JSON array'],
    ['[]', 'ERR_DATA', 'is empty'],
    ['[{"image":"a","caption":"x"},', 'ERR_FORMAT', 'is not JSON'],
    ['[{"image":"a","caption":"x"},{"image":3,"caption":"x"}]', 'ERR_DATA', 'entry 2'],
    ['[{"image":"a"}]', 'ERR_DATA', 'got nothing'],
    ['[{"image":"","caption":"x"}]', 'ERR_DATA', 'expected a path in "image"'],
    ['[["a","x"]]', 'ERR_DATA', 'expected { "image", "caption" }, got a list'],
    ['[{"image":"a","caption":["x"," "]}]', 'ERR_DATA', 'a caption is empty'],
    ['[{"image":"a","caption":[]}]', 'ERR_DATA', 'an empty list'],
  ])('refuses %s', async (text, code, message) => {
    const error = await openList(await write(text)).catch((e) => e)
    expect(error).toMatchObject({ name: 'ClipwrightError', code })
    expect(error.message).toContain(message)
  })

  it.each([
    [
      'GBK',
      Buffer.concat([Buffer.from('[{"image":"a","caption":"'), Buffer.from('d2bbd6bbb9b7', 'hex'), Buffer.from('"}]')]),
    ],
    ['UTF-16', Buffer.from('\ufeff[{"image":"a","caption":"一只狗"}]', 'utf16le')],
  ])('refuses %s, which would be other captions', async (_, bytes) => {
    const path = join(folder, 'encoded.json')
    await writeFile(path, bytes)
    const error = await openList(path).catch((e) => e)
    expect(error).toMatchObject({ name: 'ClipwrightError', code: 'ERR_FORMAT' })
    expect(error.message).toMatch(/encoded\.json: .*not UTF-8/)
  })

  it('refuses a pipe, which would be waited for', async () => {
    const path = join(folder, 'pipe.json')
    execFileSync('mkfifo', [path])
    const error = await openList(path).catch((e) => e)
    expect(error).toMatchObject({ name: 'ClipwrightError', code: 'ERR_IO' })
    expect(error.message).toContain('pipe.json: it is a pipe, not a file')
  })

  it.each(['/b.png', '../b.png', 'x/../../b.png', '..'])(
    'refuses %s, outside its folder, unless asked',
    async (image) => {
      const path = await write(JSON.stringify([{ image, caption: 'one' }]))
      const error = await openList(path).catch((e) => e)
      expect(error).toMatchObject({ name: 'ClipwrightError', code: 'ERR_DATA' })
      expect(error.message).toMatch(/^entry 1 of .*outside the list's folder.*--absolute-paths/)
      expect((await openList(path, { absolutePaths: true })).items[0]?.image).toBe(resolve(folder, image))
    },
  )

  it.each(['..b.png', 'x/..b/c.png'])('takes %s, a name that only looks like the way out', async (image) => {
    const path = await write(JSON.stringify([{ image, caption: 'one' }]))
    expect((await openList(path)).items[0]?.image).toBe(join(folder, image))
  })

  it('has no splits', async () => {
    const path = await write('[{"image":"a.png","caption":"one"}]')
    await expect(openList(path, { split: 'test' })).rejects.toMatchObject({ code: 'ERR_DATA' })
    expect((await openList(path, { use: 'test' })).items).toHaveLength(1)
  })

  it('names a file that is not there', async () => {
    await expect(openList(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  })
})
