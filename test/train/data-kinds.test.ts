import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { train } from '../../lib/train/run.js'
import { tar } from '../data/tar/tar-writer.js'
import { captionList, type Entry, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, logOf, MODEL, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const small = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, seed: 5 } as const
afterEach(() => vi.unstubAllEnvs())
const entriesOf = (list: string): (Entry & { caption: string[] })[] => JSON.parse(readFileSync(list, 'utf8'))

test('a table, JSON Lines and COCO train on the same bits as the list they were made from', async () => {
  const entries = entriesOf(await captionList(folder, 'kinds', 16)).map(({ image, caption }) => ({
    image,
    caption: caption[0]!,
  }))
  const lists = {
    'one.json': JSON.stringify(entries),
    'one.csv': `filepath,title\n${entries.map(({ image, caption }) => `${image},"${caption}"\n`).join('')}`,
    'one.jsonl': entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
    'coco.json': JSON.stringify({
      images: entries.map(({ image }, id) => ({ id, file_name: image })),
      annotations: entries.map(({ caption }, id) => ({ image_id: id, caption })),
    }),
  }
  const weights = []
  for (const [name, text] of Object.entries(lists)) {
    writeFileSync(path(name), text)
    const out = path(`${name}-run`)
    await train({ ...small, data: path(name), val: path(name), out }).result
    weights.push(await digestsOf(out, WEIGHTS))
  }
  for (const other of weights.slice(1)) expect(other).toEqual(weights[0])
})

test('shards, mixed with a list by weight, train and go on from mid-epoch to the same bits', async () => {
  vi.stubEnv('CLIPWRIGHT_CACHE', path('cache'))
  const entries = entriesOf(await captionList(folder, 'packed', 24))
  const members = entries.flatMap(({ image, caption }, i) => [
    { name: `${i}.png`, data: readFileSync(path(image)) },
    { name: `${i}.txt`, data: caption[0]! },
  ])
  for (const i of [0, 1, 2]) writeFileSync(path(`s-${i}.tar`), tar(members.slice(16 * i, 16 * i + 16)))
  const shards = path('s-{0..2}.tar')
  const data = [await captionList(folder, 'beside', 12), shards]
  const o = { ...small, data, dataWeights: [1, 2], val: shards }
  const [whole, out] = [path('mix-whole'), path('mix-run')]
  await train({ ...o, out: whole }).result
  const run = train({ ...o, out })
  for await (const event of run) if (event.type === 'step' && event.step === 6) break
  await run.stop()
  await train({ resume: out }).result
  expect(stepsOf(logOf(out))).toHaveLength(8)
  expect(stepsOf(logOf(out))).toEqual(stepsOf(logOf(whole)))
  expect(await digestsOf(out, WEIGHTS)).toEqual(await digestsOf(whole, WEIGHTS))
  await expect(train({ resume: out, dataWeights: [2, 1] }).result).rejects.toMatchObject({
    message: expect.stringContaining('cannot change dataWeights (was [1,2])'),
  })
})

test('rows of one picture are joined in validation, which is said once, and trained on row by row', async () => {
  const entries = entriesOf(await captionList(folder, 'rows', 12))
  const rows = entries.flatMap(({ image, caption }) => caption.map((one) => ({ image, caption: one })))
  writeFileSync(path('rows-each.json'), JSON.stringify(rows))
  const [grouped, out] = [path('grouped-run'), path('rows-run')]
  await train({ ...small, epochs: 1, data: path('rows-each.json'), val: path('rows.json'), out: grouped }).result
  const events = await eventsOf(
    train({ ...small, epochs: 1, data: path('rows-each.json'), val: path('rows-each.json'), out }),
  )
  expect(stepsOf(events)).toHaveLength(3)
  expect(logOf(out).filter((event) => event.type === 'eval')).toEqual(
    logOf(grouped).filter((event) => event.type === 'eval'),
  )
  const told = events.filter((event) => event.type === 'warning').filter(({ code }) => code === 'pictures_joined')
  expect(told.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^12 entries of .*rows-each\.json named a picture again .*: 12 pictures are left/),
  ])
  expect(logOf(grouped).filter((event) => event.type === 'warning')).toEqual([])
})

describe('data that moved', () => {
  test('are gone on with from their new place, to the same bits', async () => {
    const data = await captionList(folder, 'there', 24)
    const [out, whole] = [path('moved-run'), path('whole-run')]
    await train({ ...small, data, out: whole }).result
    const run = train({ ...small, data, out })
    for await (const event of run) if (event.type === 'step' && event.step === 2) break
    await run.stop()
    mkdirSync(path('elsewhere'))
    renameSync(data, path('elsewhere/there.json'))
    renameSync(path('there'), path('elsewhere/there'))
    await expect(train({ resume: out }).result).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringMatching(/there\.json.* Where the data have moved, resume with their new path/),
    })
    await train({ resume: out, data: path('elsewhere/there.json') }).result
    expect(await digestsOf(out, WEIGHTS)).toEqual(await digestsOf(whole, WEIGHTS))
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).data).toBe(path('elsewhere/there.json'))
    expect(logOf(out).filter((event) => event.type === 'warning')).toEqual([])
  })

  test('are refused when they are others', async () => {
    const data = await captionList(folder, 'mine', 16)
    const other = await captionList(folder, 'other', 16)
    const out = path('other-run')
    await train({ ...small, epochs: 1, data, out }).result
    await expect(train({ resume: out, data: other, epochs: 2 }).result).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('changed since the run began'),
    })
  })
})

test('columns of other names train and validate by imageKey and captionKey', async () => {
  const entries = entriesOf(await captionList(folder, 'keys', 16))
  const rows = entries.map(({ image, caption }) => ({ file: image, text: caption[0] }))
  writeFileSync(path('keys-list.json'), JSON.stringify(rows))
  const data = path('keys-list.json')
  const o = { ...small, epochs: 1, data, val: data }
  await expect(train({ ...o, out: path('no-keys-run') }).result).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/entry 1 .*expected a path in "image", got nothing/),
  })
  const events = await eventsOf(train({ ...o, imageKey: 'file', captionKey: 'text', out: path('keys-run') }))
  expect(stepsOf(events)).toHaveLength(2)
  expect(events.some(({ type }) => type === 'eval')).toBe(true)
})
