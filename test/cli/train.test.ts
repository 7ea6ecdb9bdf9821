import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { clipwright, MAIN, Program } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { digestsOf, logOf, MODEL, STATE, stepsOf, WEIGHTS } from '../train/runs.js'

const folder = temporaryFolder()
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 84)
})

const path = (name: string) => join(folder, name)
/** 10 steps an epoch, 60 in all. */
const small = (out: string) =>
  `train --data ${data} --val ${data} --model ${MODEL} --batch-size 8 --epochs 6 --eval-every 2 --threads 1 --out ${path(out)}`.split(
    ' ',
  )
const resume = (out: string) => ['train', '--resume', path(out)]

/** Waits until the run has logged that many steps. */
async function steps(out: string, count: number): Promise<void> {
  const log = join(path(out), 'log.jsonl')
  while (!existsSync(log) || readFileSync(log, 'utf8').split('"type":"step"').length <= count) await sleep(5)
}

describe('a run that is interrupted', () => {
  test('finishes its step, saves, says how to go on, and then ends as if nothing had been', async () => {
    const uninterrupted = clipwright(small('whole')).ended
    expect(await uninterrupted).toMatchObject({ code: 0 })

    let running = clipwright(small('broken'))
    const stops: number[] = []
    for (const [signal, after] of [
      ['SIGINT', 7],
      ['SIGTERM', 26],
      ['SIGINT', 44],
    ] as const) {
      await steps('broken', after)
      running.kill(signal)
      const { code, stdout, stderr } = await running.ended
      expect(stderr).toContain('finishing the step and saving; once more to stop at once')
      expect(code).toBe(130)
      expect(stdout).toMatch(`go on with: clipwright train --resume ${path('broken')}`)
      stops.push(stepsOf(logOf(path('broken'))).length)
      expect(stdout).toContain(`stopped and saved after ${stops.at(-1)} steps`)
      running = clipwright(resume('broken'))
    }
    console.log(`interrupted after steps ${stops.join(', ')} of 60, 10 an epoch`)
    expect(stops.some((step) => step % 10 !== 0)).toBe(true)
    expect(await running.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') })

    expect(stepsOf(logOf(path('broken')))).toEqual(stepsOf(logOf(path('whole'))))
    for (const file of [WEIGHTS, STATE]) {
      for (const checkpoint of ['last', 'best']) {
        expect(await digestsOf(path('broken'), file, checkpoint)).toEqual(
          await digestsOf(path('whole'), file, checkpoint),
        )
      }
    }
  })

  test('stops at once at the second signal, with its last checkpoint whole', async () => {
    // Steps of a second or more, two per epoch: the fourth begins at the third's end, and both signals fall into it.
    const slow = await captionList(folder, 'slow', 768)
    const args = `train --data ${slow} --model ${MODEL} --batch-size 384 --micro-batch 3 --epochs 50 --out ${path('twice')}`
    const running = clipwright(args.split(' '))
    await steps('twice', 3)
    running.kill('SIGINT')
    await sleep(400)
    running.kill('SIGINT')
    const began = performance.timeOrigin + performance.now()
    const { code, stdout, at } = await running.ended
    console.log(`the second signal ended the run in ${(at - began).toFixed(0)} ms`)
    expect(code).toBe(130)
    expect(stdout).toBe('')
    expect(at - began).toBeLessThan(750)
    await using clip = await Clip.load(join(path('twice'), 'checkpoints/last'))
    expect((await clip.encodeTexts(['a red circle'])).shape).toEqual([1, 64])
    const again = clipwright(resume('twice'))
    await steps('twice', 5)
    again.kill('SIGINT')
    expect(await again.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('stopped and saved') })
    expect(readdirSync(join(path('twice'), 'checkpoints')).sort()).toEqual(['best', 'last'])
  })

  test('takes one Ctrl-C for one, though npx passes on what the terminal has sent already', async () => {
    // npx gets the terminal's signal as the command does, and sends it again.
    const running = new Program(process.execPath, [MAIN, ...small('npx')])
    await steps('npx', 4)
    running.kill('SIGINT')
    await sleep(5)
    running.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('stopped and saved') })
  })
})

describe('a run that cannot start', () => {
  test('says in one sentence what is in the way, and ends with 1', async () => {
    const refused = await clipwright(small('whole')).ended
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^clipwright: .*there is a run in .*whole already/)
    expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
