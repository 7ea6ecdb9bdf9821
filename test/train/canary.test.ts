/** What a model must not forget is measured before the first step and with each evaluation, and compared with the start. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { evaluateModel } from '../../lib/eval/evaluate-model.js'
import { evaluateZeroShot } from '../../lib/eval/zero-shot/evaluate-zero-shot.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, type Entry, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, linesOf, logOf, STATE, WEIGHTS, warningsOf } from './runs.js'

type CanaryEvent = TrainEvent & { type: 'canary' }
const canariesOf = (events: TrainEvent[]) => events.filter((event): event is CanaryEvent => event.type === 'canary')

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const base = path('base/checkpoints/last')
const shapes = path('shapes')
let known: string
let options: TrainOptions

/** A model that knows a list by heart, and a list that teaches it the captions of other pictures. */
beforeAll(async () => {
  known = await captionList(folder, 'known', 16)
  const entries: Entry[] = JSON.parse(readFileSync(known, 'utf8'))
  const wrong = entries.map(({ image }, i) => ({ image, caption: entries[(i + 5) % 16]!.caption }))
  writeFileSync(path('wrong.json'), JSON.stringify(wrong))
  for (const [i, kind] of ['square', 'circle'].entries()) {
    mkdirSync(join(shapes, kind), { recursive: true })
    for (let n = i; n < 8; n += 2) copyFileSync(path(`known/${n}.png`), join(shapes, kind, `${n}.png`))
  }
  const common = { batchSize: 16, threads: 1, lr: 1e-2, warmup: 0, schedule: 'const', augment: false } as const
  await train({ ...common, model: LIGHT, data: known, epochs: 60, saveEvery: 60, evalEvery: 0, out: path('base') })
    .result
  options = { ...common, load: base, data: path('wrong.json'), epochs: 8, canary: [known, shapes] }
})

describe('canaries', () => {
  test('are measured before the first step and after each epoch, and one that falls is warned about once', async () => {
    const out = path('run')
    const events = await eventsOf(train({ ...options, out }))
    const all = canariesOf(events)
    expect(all.map(({ step, list, measure }) => [step, list, measure])).toEqual(
      Array.from({ length: 9 }, (_, step) => [
        [step, known, 'r_mean'],
        [step, shapes, 'top1'],
      ]).flat(),
    )
    expect(events.findIndex(({ type }) => type === 'canary')).toBeLessThan(
      events.findIndex(({ type }) => type === 'step'),
    )
    const recall = async (model: string) => (await evaluateModel(model, known, { load: { threads: 1 } })).r_mean
    const of = (list: string) => all.filter((event) => event.list === list)
    expect(of(known)[0]!.value).toBeCloseTo(await recall(base), 9)
    expect(of(known).at(-1)!.value).toBeCloseTo(await recall(join(out, 'checkpoints/last')), 9)
    const { top1 } = await evaluateZeroShot(base, shapes, { load: { threads: 1 } })
    expect(of(shapes)[0]!.value).toBeCloseTo(top1, 9)
    for (const list of [known, shapes]) for (const { start } of of(list)) expect(start).toBe(of(list)[0]!.value)

    expect(of(known)[0]!.value).toBeGreaterThan(90)
    expect(of(known).at(-1)!.value).toBeLessThan(60)
    const warnings = warningsOf(events, 'forgetting').filter((message) => message.includes(known))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/its mean recall is [\d.]+ %, \d+ % less than the [\d.]+ % at the start/)
    const first = of(known).findIndex(({ value, start }) => value < 0.9 * start)
    const told = events.findIndex((event) => event.type === 'warning' && event.message === warnings[0])
    expect(events.slice(0, told).filter((event) => event.type === 'canary' && event.list === known)).toHaveLength(
      first + 1,
    )
    expect(linesOf(out).filter(({ type }) => type === 'canary')).toHaveLength(18)
    expect(existsSync(join(out, 'recall.png'))).toBe(true)
  })

  test('leave the weights and the best alone, and may fall as far as they are told', async () => {
    const { canary: _, ...alone } = options
    await train({ ...alone, out: path('without') }).result
    const events = await eventsOf(train({ ...options, canary: [known], canaryDrop: 0.999, out: path('far') }))
    expect(warningsOf(events, 'forgetting')).toEqual([])
    for (const checkpoint of ['last', 'best'])
      expect(await digestsOf(path('far'), WEIGHTS, checkpoint)).toEqual(
        await digestsOf(path('without'), WEIGHTS, checkpoint),
      )
    expect(existsSync(path('without/recall.png'))).toBe(false)
  })

  test('of a run that is resumed are compared with the same start', async () => {
    const out = path('resumed')
    const run = train({ ...options, out })
    for await (const event of run) if (event.type === 'step' && event.step === 3) break
    expect(await run.stop()).toMatchObject({ interrupted: true })
    await train({ resume: out }).result
    expect(canariesOf(logOf(out))).toEqual(canariesOf(logOf(path('run'))))
    expect(warningsOf(logOf(out), 'forgetting')).toEqual(warningsOf(logOf(path('run')), 'forgetting'))
    expect(await digestsOf(out, STATE)).toEqual(await digestsOf(path('run'), STATE))
  })

  test('that a resumed run has not had are measured from there on, which is said', async () => {
    const out = path('later')
    await train({ ...options, canary: [known], epochs: 2, out }).result
    const events = await eventsOf(train({ resume: out, epochs: 3, canary: [known, shapes] }))
    expect(warningsOf(events, 'validation_changed')).toEqual([expect.stringContaining(`${shapes} holds now`)])
    expect(canariesOf(events).map(({ step, list }) => [step, list])).toEqual([
      [2, shapes],
      [3, known],
      [3, shapes],
    ])
    const [, later] = canariesOf(events)
    expect(later!.start).toBe(canariesOf(logOf(out))[0]!.value)
  })

  test.each([
    [{ canary: ['nowhere.json'] }, 'ERR_NOT_FOUND', /nowhere\.json/],
    [{ canary: [] as string[], canaryDrop: 1 }, 'ERR_INVALID_ARGUMENT', /canaryDrop/],
    [{ load: undefined, model: LIGHT }, 'ERR_INVALID_ARGUMENT', /option "canary": expected weights/],
  ])('%j is refused', async (more, code, message) => {
    const { load: _, ...rest } = options
    const given = {
      ...rest,
      ...('model' in more ? { model: more.model } : { ...more, load: base }),
      out: path('refused'),
    }
    await expect(train(given).result).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(existsSync(path('refused'))).toBe(false)
  })
})
