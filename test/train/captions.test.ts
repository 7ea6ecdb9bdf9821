import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TrainEvent } from '../../lib/train/events.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { eventsOf, logOf, MODEL, stepsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const small = { model: MODEL, batchSize: 8, epochs: 3, threads: 1 } as const
const CONTEXT = 32

const cutsOf = (events: TrainEvent[]) =>
  events.filter((event) => event.type === 'warning').filter(({ code }) => code === 'caption_cut')

describe('captions longer than the context', () => {
  const long = (words: number) => Array.from({ length: words }, (_, i) => `word${i % 7}`).join(' ')

  test('lose their end, which is said once with their number', async () => {
    const data = await captionList(folder, 'long', 32, (entry, i) =>
      i % 8 === 0 ? { ...entry, caption: long(90) } : entry,
    )
    const events = await eventsOf(train({ ...small, data, out: path('long-run') }))
    expect(stepsOf(events)).toHaveLength(12)
    const [cut, ...more] = cutsOf(events)
    expect(more).toEqual([])
    expect(cut?.message).toMatch(new RegExp(`^4 captions were longer than the context of ${CONTEXT} tokens`))
  })

  test('train as what is left of them', async () => {
    // "word0" is two ids, so that 15 words, start and end fill the context.
    const [over, cut] = [`${long(15)} and more`, long(15)]
    const run = async (name: string, caption: string) => {
      const data = await captionList(folder, name, 16, (entry, i) => (i === 3 ? { ...entry, caption } : entry))
      const events = await eventsOf(train({ ...small, data, out: path(`${name}-run`), augment: false }))
      return { losses: stepsOf(events).map(({ loss }) => loss), cuts: cutsOf(events).length }
    }
    const [a, b, c] = [await run('over', over), await run('cut', cut), await run('other', long(14))]
    expect([a.cuts, b.cuts]).toEqual([1, 0])
    expect(a.losses).toEqual(b.losses)
    expect(a.losses).not.toEqual(c.losses)
  })

  test('end a run that is told so, and are named', async () => {
    const data = await captionList(folder, 'refused', 16, (entry, i) =>
      i === 3 ? { ...entry, caption: long(90) } : entry,
    )
    const run = train({ ...small, data, out: path('refused-run'), truncation: 'error' })
    await expect(run.result).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /^train: caption: "word0 word1 .* characters\) .*" has 182 tokens, .* the model takes 32/,
      ),
    })
  })

  test('are not said again by a run that goes on', async () => {
    const data = await captionList(folder, 'again', 16, (entry) => ({ ...entry, caption: long(90) }))
    const out = path('again-run')
    const run = train({ ...small, data, out })
    for await (const event of run) if (event.type === 'step' && event.step === 3) break
    await run.stop()
    await train({ resume: out }).result
    expect(cutsOf(logOf(out))).toHaveLength(1)
  })
})

test('captions in a language that the tokenizer does not know are warned of before the first step, once', async () => {
  const data = await captionList(folder, 'chinese', 16, (entry, i) => ({
    ...entry,
    caption: i % 8 ? '一只狗' : 'a dog',
  }))
  const out = path('chinese-run')
  const events = await eventsOf(train({ ...small, data, out, epochs: 1 }))
  await train({ resume: out, epochs: 2 }).result
  const told = logOf(out).filter((event) => event.type === 'warning' && event.code === 'captions_illegible')
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ message: expect.stringMatching(/^\d+ % of the captions' letters are Chinese/) })
  expect(events.findIndex(({ type }) => type === 'warning')).toBeLessThan(
    events.findIndex(({ type }) => type === 'step'),
  )
})

describe('lists that cannot be trained on', () => {
  const entry = { image: 'a.png', caption: 'a dog' }
  test.each([
    ['[{"image":"a.png",', 'ERR_FORMAT', /list\.json is not JSON/],
    ['', 'ERR_FORMAT', /list\.json is not JSON/],
    ['[]', 'ERR_DATA', /list\.json is empty/],
    ['{"image":"a.png","caption":"x"}', 'ERR_DATA', /expected a JSON array .* in .*list\.json, got an object/],
    [JSON.stringify([entry, entry]), 'ERR_DATA', /list\.json holds 2 pictures, less than one batch of 8/],
    [
      JSON.stringify([entry, { image: 'b.png', caption: '' }]),
      'ERR_DATA',
      /entry 2 of .*list\.json: a caption is empty/,
    ],
    [JSON.stringify([entry, { image: 'b.png', caption: ['x', ' \n'] }]), 'ERR_DATA', /entry 2 .* a caption is empty/],
    [JSON.stringify([entry, entry, { image: 'b.png' }]), 'ERR_DATA', /entry 3 .*expected a string .* got nothing/],
    [JSON.stringify([{ image: 'b.png', caption: [] }]), 'ERR_DATA', /entry 1 .*"caption", got an empty list/],
    [
      JSON.stringify([{ image: 'b.png', caption: ['x', 5] }]),
      'ERR_DATA',
      /entry 1 .*expected a string or a list of strings/,
    ],
    [
      JSON.stringify([entry, { image: 7, caption: 'x' }]),
      'ERR_DATA',
      /entry 2 .*expected a path in "image", got number 7/,
    ],
    [JSON.stringify([entry, 'a.png']), 'ERR_DATA', /entry 2 .*expected \{ "image", "caption" \}, got string "a\.png"/],
    [JSON.stringify([entry, null]), 'ERR_DATA', /entry 2 .*got null/],
  ])('%s', async (text, code, message) => {
    const data = path('list.json')
    writeFileSync(data, text)
    await expect(train({ ...small, data, out: path('never') }).result).rejects.toMatchObject({
      name: 'ClipwrightError',
      code,
      message: expect.stringMatching(message),
    })
  })
})
