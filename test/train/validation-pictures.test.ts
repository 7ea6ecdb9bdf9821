import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import { examinePicture } from '../../lib/image/decode.js'
import { train } from '../../lib/train/run.js'
import { PictureCheck } from '../../lib/train/validation-pictures.js'
import { captionList, temporaryFolder } from './pictures.js'
import { LIGHT, logOf, warningsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const never = new AbortController().signal

/** A list whose pictures are whole but for one, which is damaged long after its header. */
async function listWithDamage(name: string, bad: number): Promise<string> {
  const pixels = sharp(randomBytes(96 * 96 * 3), { raw: { width: 96, height: 96, channels: 3 } })
  const jpeg = await pixels.jpeg().toBuffer()
  const list = await captionList(folder, name, 9, (entry, i) =>
    i === bad ? { ...entry, image: `${name}.jpg` } : entry,
  )
  writeFileSync(path(`${name}.jpg`), jpeg.subarray(0, Math.floor(jpeg.length * 0.9)))
  await examinePicture(path(`${name}.jpg`)) // its beginning tells nothing
  return list
}

const o = { model: LIGHT, batchSize: 8, epochs: 6, threads: 1, evalEvery: 0 } as const

describe('a validation picture that is damaged deep inside', () => {
  test('ends the run before its first step, which goes on once it is repaired', async () => {
    const data = await captionList(folder, 'train-10', 24)
    const val = await listWithDamage('val-10', 5)
    const [out, bad] = [path('run-10'), path('val-10.jpg')]
    await expect(train({ ...o, data, val, out }).result).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: `train: the run ended before its first step: 1 picture of the validation list cannot be read: ${bad}; repair them, or take them off ${val} (clipwright data check names all); the run was saved after step 0; once that is mended, go on with resume ${out}.`,
    })
    expect(logOf(out).some((event) => event.type === 'step')).toBe(false)
    copyFileSync(path('val-10/4.png'), bad)
    expect(await train({ resume: out }).result).toMatchObject({ steps: 18, interrupted: false })
  })

  test('is told beside the first steps, where there is no time before, and the evaluation says how to go on', async () => {
    const data = await captionList(folder, 'train-0', 24)
    const val = await listWithDamage('val-0', 5)
    const [out, bad] = [path('run-0'), path('val-0.jpg')]
    await expect(train({ ...o, data, val, out, checkVal: 0 }).result).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(
        /^train: the evaluation after step 18 failed: .*val-0\.jpg.*; the run was saved after step 18; once that is mended, go on with resume .*run-0\.$/,
      ),
    })
    const log = logOf(out)
    expect(warningsOf(log, 'bad_validation')).toEqual([
      `1 picture of the validation list cannot be read: ${bad}; they will end the run at its next evaluation unless they are repaired before.`,
    ])
    const told = log.findIndex((event) => event.type === 'warning' && event.code === 'bad_validation')
    const steps = log.flatMap((event, i) => (event.type === 'step' ? [i] : []))
    expect(steps).toHaveLength(18)
    expect(told).toBeLessThan(steps.at(-1)!)
    copyFileSync(path('val-0/4.png'), bad)
    expect(await train({ resume: out }).result).toMatchObject({ steps: 18, interrupted: false })
  })
})

describe('the check of pictures', () => {
  const pictures = Array.from({ length: 40 }, (_, i) => path(`check/${i}.png`))
  const bad = new ClipwrightError('ERR_IMAGE', 'damaged')
  const listed = captionList(folder, 'check', 40)

  test('ends when all are read, each once', async () => {
    await listed
    const read: unknown[] = []
    const check = new PictureCheck(pictures, async (picture) => read.push(picture), { workers: 3 })
    const began = performance.now()
    expect(await check.before(60, never)).toBeUndefined()
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(read.toSorted()).toEqual(pictures.toSorted())
    await check.end()
  })

  test('waits no longer than it may, then tells of the first bad one at once and of the others at the end', async () => {
    await listed
    let running = 0
    let most = 0
    let beside = false
    const read = async (picture: unknown) => {
      running++
      if (beside) most = Math.max(most, running)
      await sleep(picture === pictures[0] ? 700 : 2)
      running--
      if ([17, 18, 33].some((i) => picture === pictures[i])) throw bad
    }
    const check = new PictureCheck(pictures, read, { workers: 1 })
    expect(await check.before(0.3, never)).toBeUndefined()
    beside = true
    const told: string[] = []
    check.beside((message) => told.push(message))
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(2)
    expect(most).toBe(1)
    expect(told[0]).toContain('1 picture of the validation list cannot be read')
    expect(told[1]).toContain('2 more pictures of the validation list cannot be read')
    for (const i of [17, 18, 33]) expect(told.join()).toContain(`check/${i}.png`)
    await check.end()
  })

  test('ends with the run, and a shortage ends it without a word', async () => {
    await listed
    const stopped = new AbortController()
    const check = new PictureCheck(pictures, () => sleep(20), { workers: 2 })
    setTimeout(() => stopped.abort(), 100)
    const began = performance.now()
    expect(await check.before(60, stopped.signal)).toBeUndefined()
    await check.end()
    expect(performance.now() - began).toBeLessThan(5000)
    const short = new ClipwrightError('ERR_OUT_OF_MEMORY', 'no memory left')
    const starved = new PictureCheck(pictures, () => Promise.reject(short), { workers: 2 })
    expect(await starved.before(60, never)).toBeUndefined()
    await starved.end()
  })
})

test('the beginning of a picture is read, and not the rest: a file larger than memory takes is looked at', async () => {
  const list = await captionList(folder, 'large', 1)
  const file = path('large/0.png')
  truncateSync(file, 5 * 2 ** 30)
  await examinePicture(file)
  const base64 = readFileSync(file.replace('0.png', '../check/1.png')).toString('base64')
  writeFileSync(path('entries.txt'), `x${base64}`)
  const entry = { path: path('entries.txt'), id: '7', offset: 1, length: base64.length, encoding: 'base64' } as const
  await examinePicture(entry)
  await expect(examinePicture({ ...entry, offset: 0 })).rejects.toMatchObject({ code: 'ERR_IMAGE' })
  await expect(examinePicture({ ...entry, length: 2 ** 40 })).rejects.toMatchObject({ code: 'ERR_IO' })
  await expect(examinePicture(list)).rejects.toMatchObject({ code: 'ERR_IMAGE' })
  await expect(examinePicture(folder)).rejects.toMatchObject({ code: 'ERR_IO' })
})
