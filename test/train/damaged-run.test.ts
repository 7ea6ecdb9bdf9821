import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, linesOf, logOf, STATE, stepsOf, WEIGHTS, warningsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps per epoch, 8 in all, each of which is kept. */
const options = { model: LIGHT, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, keep: 10, saveEvery: 1 } as const
let lists: { data: string; val: string }
let half: string

/** A run that was stopped in its middle. */
async function halfRun(out: string, more: TrainOptions = {}): Promise<string> {
  const run = train({ ...options, ...lists, out, ...more })
  for await (const event of run) if (event.type === 'step' && event.step === 6) break
  expect(await run.stop()).toMatchObject({ interrupted: true })
  return out
}

beforeAll(async () => {
  lists = { data: await captionList(folder, 'train', 36), val: await captionList(folder, 'val', 12) }
  await train({ ...options, ...lists, out: path('whole') }).result
  half = await halfRun(path('half'))
})

function copyOf(name: string): string {
  cpSync(half, path(name), { recursive: true })
  return path(name)
}

async function expectWhole(out: string): Promise<void> {
  expect(stepsOf(logOf(out))).toEqual(stepsOf(logOf(path('whole'))))
  for (const name of ['last', 'best'])
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(out, file, name)).toEqual(await digestsOf(path('whole'), file, name))
}

describe('a damaged file of a run is named, what can be taken is taken, and the run ends as if nothing had been', () => {
  test.each(['null', '[]', '"text"', '{"epochs": 2,', ''])('config.json holds %j', async (text) => {
    const out = copyOf(`config-${text.length}`)
    writeFileSync(join(out, 'config.json'), text)
    const events = await eventsOf(train({ resume: out }))
    expect(warningsOf(events, 'damaged')).toEqual([
      expect.stringMatching(
        /config\.json is damaged: expected an object .* got .*\. Its options are taken from log\.jsonl\.$/,
      ),
    ])
    await expectWhole(out)
  })

  test('config.json, and the log has no options either', async () => {
    const out = copyOf('no-options')
    writeFileSync(join(out, 'config.json'), 'null')
    writeFileSync(join(out, 'log.jsonl'), 'x\n')
    await expect(train({ resume: out }).result).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/config\.json is damaged: .* got null\. Neither has log\.jsonl/),
    })
  })

  test('log.jsonl has half a line', async () => {
    const out = copyOf('torn')
    const log = readFileSync(join(out, 'log.jsonl'), 'utf8').split('\n')
    log[2] = log[2]!.slice(0, 20).padEnd(log[2]!.length)
    writeFileSync(join(out, 'log.jsonl'), log.join('\n'))
    const events = await eventsOf(train({ resume: out }))
    expect(warningsOf(events, 'damaged')).toEqual([expect.stringContaining('log.jsonl: line 3 is no JSON')])
    expect(events.at(-1)).toMatchObject({ type: 'end', result: { steps: 8 } })
  })

  test.each([
    ['epoch_loss.txt', 3],
    ['log.jsonl', 700],
    ['events.out.tfevents.0.clipwright', 60],
  ])('%s is cut to %i bytes', async (name, length) => {
    const out = copyOf(`cut-${name}`)
    truncateSync(join(out, name), length)
    const events = await eventsOf(train({ resume: out }))
    expect(warningsOf(events, 'damaged')).toEqual([
      expect.stringMatching(
        new RegExp(`${name} is shorter than its checkpoint knew it \\(\\d+ bytes of \\d+ are whole\\)`),
      ),
    ])
    if (name.endsWith('txt')) {
      // No half number before the next.
      expect(
        readFileSync(join(out, name), 'utf8')
          .split('\n')
          .every((line) => line === '' || Number(line) > 1),
      ).toBe(true)
      await expectWhole(out)
    } else if (name === 'log.jsonl') {
      expect(() => linesOf(out)).not.toThrow()
    } else {
      const whole = readFileSync(join(path('whole'), name))
      expect(whole.subarray(0, 8).equals(readFileSync(join(out, name)).subarray(0, 8))).toBe(true)
    }
  })

  test.each<[string, (last: string) => void]>([
    ['its weights are of another step', (last) => cpSync(join(last, '../step-3', WEIGHTS), join(last, WEIGHTS))],
    ['its weights are cut off', (last) => truncateSync(join(last, WEIGHTS), 1000)],
    ['it has no weights', (last) => rmSync(join(last, WEIGHTS))],
    ['its state is cut off', (last) => truncateSync(join(last, STATE), 1000)],
    ['it has no state', (last) => rmSync(join(last, STATE))],
    ['it is gone', (last) => rmSync(last, { recursive: true })],
  ])('`last` beside healthy ones: %s', async (name, damage) => {
    const out = copyOf(name)
    const last = join(out, 'checkpoints/last')
    // In a run that was not copied, step-6 shares its files with `last`.
    rmSync(join(out, 'checkpoints/step-6'), { recursive: true })
    rmSync(join(out, 'checkpoints/step-7'), { recursive: true, force: true })
    damage(last)
    const damaged = existsSync(last)
    const events = await eventsOf(train({ resume: out }))
    expect(warningsOf(events, 'damaged')[0]).toMatch(/The run goes on from checkpoints\/step-5, of step 5, instead/)
    expect(existsSync(`${last}.damaged`)).toBe(damaged)
    await expectWhole(out)
  })

  test('and when no checkpoint is whole, each is named', async () => {
    const out = copyOf('none')
    for (const name of ['last', 'best', 'step-1', 'step-2', 'step-3', 'step-4', 'step-5', 'step-6', 'step-7'])
      if (existsSync(join(out, 'checkpoints', name))) writeFileSync(join(out, 'checkpoints', name, STATE), 'x')
    await expect(train({ resume: out }).result).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/has no checkpoint that is whole\. .*last.*step-1/),
    })
  })
})

describe('what changed under a run that goes on', () => {
  test('another validation list: it is said, and best starts anew', async () => {
    const out = copyOf('other-val')
    const val = await captionList(folder, 'other', 10)
    const events = await eventsOf(train({ resume: out, val }))
    expect(warningsOf(events, 'validation_changed')).toHaveLength(1)
    // Whatever the first list gave, the only epoch on this one is the best.
    expect(events.at(-1)).toMatchObject({ type: 'end', result: { best: { step: 8 } } })
    expect(warningsOf(await eventsOf(train({ resume: out, val })), 'validation_changed')).toEqual([])
  })

  test('pictures that were repaired count again, and others do not', async () => {
    const data = await captionList(folder, 'bad', 40, (entry, i) =>
      i < 4 ? { ...entry, image: `late-${i}.png` } : entry,
    )
    const out = await halfRun(path('repaired'), { data, saveEvery: 1 })
    for (const i of [0, 2, 3]) cpSync(path(`bad/${i}.png`), path(`late-${i}.png`))
    const known = warningsOf(logOf(out), 'bad_sample').length
    const events = await eventsOf(train({ resume: out }))
    expect(known).toBe(4)
    expect(warningsOf(events, 'repaired_samples')).toEqual([
      expect.stringMatching(/^3 pictures of the 4 .* are trained on/),
    ])
    expect(warningsOf(events, 'bad_sample')).toEqual([])
  })
})

describe('a folder that goes away under its run', () => {
  async function startedRun(out: string) {
    mkdirSync(path('parent'), { recursive: true })
    const run = train({
      ...options,
      ...lists,
      out,
      epochs: 500,
      saveEvery: 1000,
      keep: 0,
      val: lists.val,
      evalEvery: 0,
    })
    for await (const event of run) if (event.type === 'step' && event.step >= 2) break
    return run
  }

  test('moved: the run stops, says so, and is saved where the folder is now', async () => {
    const [from, to] = [path('parent/from'), path('parent/to')]
    const run = await startedRun(from)
    renameSync(from, to)
    await expect(run.result).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(
        /parent\/from was moved to .*parent\/to while .* saved there after step \d+; go on with resume .*to\.$/,
      ),
    })
    expect(existsSync(from)).toBe(false)
    expect(existsSync(join(to, '.lock'))).toBe(false)
    const again = train({ resume: to })
    for await (const event of again) if (event.type === 'step') break
    expect(await again.stop()).toMatchObject({ interrupted: true })
  })

  test('deleted: the run stops, says so, and leaves no half folder', async () => {
    const out = path('parent/deleted')
    const run = await startedRun(out)
    rmSync(out, { recursive: true })
    await expect(run.result).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/deleted was deleted, or moved .* nothing was saved since/),
    })
    await sleep(100)
    expect(existsSync(out)).toBe(false)
  })
})

describe('what a run says', () => {
  test('each line of the log has the time at which it was written', () => {
    const times = linesOf(path('whole')).map(({ time }) => time)
    expect(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time))).toBe(true)
    expect([...times].sort()).toEqual(times)
  })

  test.each<[string, TrainOptions, 'warmup_too_long' | 'batch_of_one', number]>([
    ['a warm-up longer than the run', { warmup: 9 }, 'warmup_too_long', 1],
    ['a warm-up as long as the run', { warmup: 8 }, 'warmup_too_long', 0],
    ['a batch of one', { batchSize: 1, epochs: 1 }, 'batch_of_one', 1],
  ])('%s', async (name, more, code, times) => {
    const run = train({ ...options, ...lists, out: path(name), ...more })
    const events = []
    for await (const event of run) {
      events.push(event)
      if (event.type === 'step') break
    }
    await run.stop()
    expect(warningsOf(events, code)).toHaveLength(times)
  })
})
