/** Runs over a folder of decoded pictures: the same bits, whoever filled it. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { eventsOf, LIGHT, stepsOf, warningsOf } from './runs.js'

const folder = temporaryFolder()
const list = captionList(folder, 'train', 24)

async function run(name: string, options: object) {
  const data = await list
  return eventsOf(
    train({ data, out: join(folder, name), model: LIGHT, batchSize: 8, epochs: 2, seed: 5, threads: 1, ...options }),
  )
}

test.each([
  ['augmented', {}],
  ['not augmented', { augment: false }],
  ['the reference', { augment: { policy: 'jitter-paste' as const } }],
])('%s: the run that fills it and one that finds it full have the bits of a run without it', async (name, augment) => {
  const decodedCache = join(folder, `${name}-cache`)
  const without = stepsOf(await run(`${name}-without`, augment))
  expect(without).toHaveLength(6)
  const filling = await run(`${name}-filling`, { ...augment, decodedCache })
  expect(stepsOf(filling)).toEqual(without)
  const packs = readdirSync(decodedCache)
  expect(packs).toHaveLength(1)
  const full = await run(`${name}-full`, { ...augment, decodedCache })
  expect(stepsOf(full)).toEqual(without)
  expect(readdirSync(decodedCache)).toEqual(packs)
  expect([...warningsOf(filling, 'cache'), ...warningsOf(full, 'cache')]).toEqual([])
})

test('what is damaged is read again, and that is said; a folder that cannot be ends no run', async () => {
  const decodedCache = join(folder, 'damaged-cache')
  const without = stepsOf(await run('damaged-filling', { decodedCache }))
  const pack = join(decodedCache, readdirSync(decodedCache)[0]!)
  const bytes = readFileSync(pack)
  bytes.fill(77, 100, 9000)
  writeFileSync(pack, bytes)
  const again = await run('damaged-again', { decodedCache })
  expect(stepsOf(again)).toEqual(without)
  expect(warningsOf(again, 'cache')).toEqual([expect.stringContaining('is damaged')])
  const nowhere = await run('damaged-nowhere', { decodedCache: join(pack, 'folder') })
  expect(stepsOf(nowhere)).toEqual(without)
  expect(warningsOf(nowhere, 'cache')).toEqual([expect.stringContaining('cannot be used as a cache')])
})

test('belongs to exact decoding', async () => {
  await expect(run('fast', { decodedCache: join(folder, 'x'), decode: 'fast' })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('decodedCache'),
  })
})

test('pictures that a run measures on are kept, too, and taken from there by the next one', async () => {
  const val = await captionList(folder, 'val', 10)
  const pictures = readdirSync(join(folder, 'val')).map((name) => join(folder, 'val', name))
  const age = () => pictures.map((path) => utimesSync(path, 1e9, 1e9))
  age()
  const measured = async (name: string, more: object) => {
    const events = await run(name, { epochs: 1, checkVal: 0, val, ...more })
    return events.find(({ type }) => type === 'eval')
  }
  const without = await measured('val-without', {})
  expect(without).toMatchObject({ recall: { r_mean: expect.any(Number) } })
  const decodedCache = join(folder, 'val-cache')
  expect(await measured('val-filling', { decodedCache })).toEqual(without)
  // Whoever decodes them now sees that they are damaged, but they lie there with their size and time.
  for (const path of pictures) writeFileSync(path, readFileSync(path).fill(0, 60))
  age()
  expect(await measured('val-full', { decodedCache })).toEqual(without)
  await expect(measured('val-damaged', {})).rejects.toMatchObject({ code: 'ERR_IMAGE' })
})

test('pictures of a canary that is a folder of classes are taken from there, too', async () => {
  await captionList(folder, 'shapes', 8)
  const classes = join(folder, 'classes')
  const pictures: string[] = []
  for (const [i, kind] of ['square', 'circle'].entries()) {
    mkdirSync(join(classes, kind), { recursive: true })
    for (let n = i; n < 8; n += 2) {
      pictures.push(join(classes, kind, `${n}.png`))
      copyFileSync(join(folder, `shapes/${n}.png`), pictures.at(-1)!)
    }
  }
  const age = () => pictures.map((path) => utimesSync(path, 1e9, 1e9))
  age()
  await run('classes-base', { epochs: 1 })
  const load = join(folder, 'classes-base/checkpoints/last')
  const measured = async (name: string, more: object) =>
    (await run(name, { model: undefined, load, epochs: 1, canary: [classes], ...more })).filter(
      ({ type }) => type === 'canary',
    )
  const without = await measured('classes-without', {})
  expect(without).toHaveLength(2)
  const decodedCache = join(folder, 'classes-cache')
  expect(await measured('classes-filling', { decodedCache })).toEqual(without)
  for (const path of pictures) writeFileSync(path, readFileSync(path).fill(0, 60))
  age()
  expect(await measured('classes-full', { decodedCache })).toEqual(without)
  await expect(measured('classes-damaged', {})).rejects.toMatchObject({ code: 'ERR_IMAGE' })
})
