import { readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { type TrainRun, train } from '../../lib/train/run.js'
import { clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from './pictures.js'
import { LIGHT, logOf, stepsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
})
const options = { model: LIGHT, batchSize: 8, threads: 1, lr: 1e-3 } as const

const refused = (option: string) => ({
  code: 'ERR_INVALID_ARGUMENT',
  message: expect.stringMatching(
    new RegExp(
      `^train: option "${option}": process ${process.pid} on ${hostname()}, since .*, is training in .*; wait`,
    ),
  ),
})

/** Waits until the run has made that many steps. */
async function reach(run: TrainRun, step: number): Promise<void> {
  for await (const event of run) if (event.type === 'step' && event.step >= step) return
}

describe('a run folder has one writer', () => {
  test('a second resume, overwrite or start is refused and changes nothing; the run ends as if nothing had been', async () => {
    const out = path('live')
    const run = train({ ...options, data, out, epochs: 15 })
    await reach(run, 5)
    const config = readFileSync(join(out, 'config.json'))
    await expect(train({ resume: out }).result).rejects.toMatchObject(refused('resume'))
    await expect(train({ ...options, data, out, overwrite: true }).result).rejects.toMatchObject(refused('out'))
    await expect(train({ ...options, data, out }).result).rejects.toMatchObject(refused('out'))
    expect(readFileSync(join(out, 'config.json'))).toEqual(config)
    expect(readdirSync(out)).toContain('.lock')
    expect(await run.result).toMatchObject({ steps: 60 })
    expect(readdirSync(out)).not.toContain('.lock')
    expect(stepsOf(logOf(out)).map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  })

  test('of two starts into one folder one goes on, and the other names it', async () => {
    const out = path('two')
    const runs = [0, 1].map(() => train({ ...options, data, out, epochs: 15 }))
    const results = await Promise.allSettled(runs.map(({ result }) => result))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: refused('out') })
    expect(stepsOf(logOf(out))).toHaveLength(60)
  })

  test('that was killed does not keep it', async () => {
    const out = path('killed')
    const args = `train --data ${data} --model ViT-tiny-test --batch-size 8 --epochs 500 --threads 1 --save-every 4 --out ${out}`
    const running = clipwright(args.split(' '))
    while (!readdirSync(folder).includes('killed') || !readdirSync(join(out)).includes('checkpoints')) await sleep(20)
    while (!readdirSync(join(out, 'checkpoints')).includes('last')) await sleep(20)
    await expect(train({ resume: out }).result).rejects.toThrow(/process \d+ on/)
    running.kill('SIGKILL')
    await running.ended
    expect(readdirSync(out)).toContain('.lock')
    const run = train({ resume: out })
    await reach(run, 5)
    expect(await run.stop()).toMatchObject({ interrupted: true })
    expect(readdirSync(out)).not.toContain('.lock')
  })
})

test('models of a run that saves after every step can be loaded at any moment', async () => {
  const out = path('read')
  const run = train({ ...options, data, out, epochs: 5, saveEvery: 1 })
  await reach(run, 3) // the first save is over before: the second waited for it
  let over = false
  const end = run.result.finally(() => {
    over = true
  })
  let loads = 0
  while (!over) {
    await using clip = await Clip.load(join(out, 'checkpoints/last'), { threads: 1 })
    expect(clip.config.embed_dim).toBe(16)
    loads++
  }
  expect(await end).toMatchObject({ steps: 20 })
  expect(loads).toBeGreaterThan(2)
})
