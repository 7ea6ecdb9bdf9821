import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { TrainEvent } from '../../lib/train/events.js'
import { train } from '../../lib/train/run.js'
import { captionList, type Entry, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, logOf, MODEL, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const small = { model: MODEL, batchSize: 8, epochs: 2, threads: 1 } as const

const badSamplesOf = (out: string) =>
  readFileSync(join(out, 'bad-samples.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { index: number; image: string; code: string; message: string })

const warningsOf = (events: TrainEvent[], code: string) =>
  events.filter((event) => event.type === 'warning').filter((event) => event.code === code)

/** A list in which `bad` entries, from the third on, name a file that is not there. */
const withMissing = (name: string, count: number, bad: number) =>
  captionList(folder, name, count, (entry, i) => (i >= 3 && i < 3 + bad ? { ...entry, image: `${i}-gone.png` } : entry))

describe('pictures that cannot be read', () => {
  test('are left out, listed with what is wrong, and warned about once', async () => {
    mkdirSync(path('bad'))
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.floor(128 + 127 * Math.sin(i * i))))
    const picture = sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)
    writeFileSync(path('bad/text.jpg'), 'this is no picture')
    writeFileSync(path('bad/cut.jpg'), half(await picture.jpeg().toBuffer()))
    writeFileSync(path('bad/cut.png'), half(await picture.png().toBuffer()))
    writeFileSync(path('bad/empty.png'), '')
    const bad = ['bad/text.jpg', 'bad/cut.jpg', 'bad/cut.png', 'bad/empty.png', 'bad/missing.png', 'bad']
    const data = await captionList(folder, 'some', 38, (entry, i) =>
      i % 6 === 5 ? { ...entry, image: bad[(i - 5) / 6]! } : entry,
    )

    const out = path('some-run')
    const events = await eventsOf(train({ ...small, data, out }))
    // 32 good ones fill four batches in each epoch.
    expect(stepsOf(events).map(({ epoch }) => epoch)).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
    const listed = badSamplesOf(out).sort((a, b) => a.index - b.index)
    expect(listed.map(({ index, image, code }) => [index, image, code])).toEqual([
      [5, path('bad/text.jpg'), 'ERR_IMAGE'],
      [11, path('bad/cut.jpg'), 'ERR_IMAGE'],
      [17, path('bad/cut.png'), 'ERR_IMAGE'],
      [23, path('bad/empty.png'), 'ERR_IMAGE'],
      [29, path('bad/missing.png'), 'ERR_NOT_FOUND'],
      [35, path('bad'), 'ERR_IO'],
    ])
    const warnings = warningsOf(events, 'bad_sample').map(({ message }) => message)
    expect(warnings).toHaveLength(6)
    for (const { index, image, message } of listed) {
      expect(message).toContain(image)
      expect(warnings.filter((text) => text.startsWith(`entry ${index + 1} of ${data} is left out: `))).toHaveLength(1)
    }
  })

  test('are known to a run that goes on', async () => {
    const data = await withMissing('known', 36, 4)
    const out = path('known-run')
    const run = train({ ...small, data, out })
    for await (const event of run) if (event.type === 'step' && event.step === 3) break
    await run.stop()
    await train({ resume: out }).result
    await train({ ...small, data, out: path('known-whole') }).result
    expect(await digestsOf(out, WEIGHTS)).toEqual(await digestsOf(path('known-whole'), WEIGHTS))
    expect(badSamplesOf(out)).toEqual(badSamplesOf(path('known-whole')))
    expect(warningsOf(logOf(out), 'bad_sample')).toHaveLength(4)
  })

  test('end the run when there are too many, with what it has learned', async () => {
    const data = await withMissing('many', 40, 10)
    const out = path('many-run')
    await expect(train({ ...small, data, out }).result).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /^10 of 40 pictures of .*many\.json cannot be read, the last of them .*-gone\.png/,
      ),
    })
    expect(badSamplesOf(out)).toHaveLength(10)
    expect(Object.keys(await digestsOf(out, WEIGHTS))).toContain('visual.proj')
  })

  test('in the validation list end the run by name, before its first step; it goes on once they are repaired', async () => {
    const data = await captionList(folder, 'train', 24)
    const val = await captionList(folder, 'val', 9, (entry, i) => (i === 4 ? { ...entry, image: 'later.png' } : entry))
    const out = path('val-run')
    await expect(train({ ...small, data, val, out }).result).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(/before its first step.*later\.png.*go on with resume .*val-run\.$/),
    })
    copyFileSync(path('val/4.png'), path('later.png'))
    const result = await train({ resume: out }).result
    expect(result).toMatchObject({ steps: 6, interrupted: false })
    const whole = path('val-whole')
    await train({ ...small, data, val, out: whole }).result
    expect(await digestsOf(out, WEIGHTS)).toEqual(await digestsOf(whole, WEIGHTS))
  })
})

describe('unusual pictures', () => {
  test('are trained on: CMYK, 16 bits, animated, with a colour profile, grey, with alpha', async () => {
    const pixels = (pages: number) =>
      sharp(Buffer.from(Array.from({ length: 40 * 40 * pages * 3 }, (_, i) => (i * 7) % 251)), {
        raw: { width: 40, height: 40 * pages, channels: 3, ...(pages > 1 && { pageHeight: 40 }) },
      })
    mkdirSync(path('unusual'))
    for (const name of ['cmyk.jpg', 'grey16.png', 'grey.png', 'grey-alpha.png', 'alpha.png', 'palette.png'])
      copyFileSync(join('test/goldens/preprocess', name), path(`unusual/${name}`))
    await pixels(3).gif().toFile(path('unusual/animated.gif'))
    await pixels(3).webp().toFile(path('unusual/animated.webp'))
    await pixels(1).withIccProfile('p3', { attach: true }).jpeg().toFile(path('unusual/profile.jpg'))
    expect((await sharp(path('unusual/cmyk.jpg')).metadata()).space).toBe('cmyk')
    expect((await sharp(path('unusual/grey16.png')).metadata()).depth).toBe('ushort')
    expect((await sharp(path('unusual/animated.gif')).metadata()).pages).toBe(3)
    expect((await sharp(path('unusual/profile.jpg')).metadata()).icc).toBeDefined()
    const names =
      'cmyk.jpg grey16.png grey.png grey-alpha.png alpha.png palette.png animated.gif animated.webp profile.jpg'
    const entries: Entry[] = names.split(' ').map((name) => ({ image: `unusual/${name}`, caption: name }))
    writeFileSync(path('unusual.json'), JSON.stringify(entries))

    const list = path('unusual.json')
    const events = await eventsOf(
      train({ ...small, batchSize: entries.length, data: list, val: list, out: path('unusual-run') }),
    )
    expect(stepsOf(events)).toHaveLength(2)
    expect(warningsOf(events, 'bad_sample')).toEqual([])
    for (const { loss } of stepsOf(events)) expect(Number.isFinite(loss)).toBe(true)
  })
})
