import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { train } from '../../lib/train/run.js'
import { answerOf, Program, program } from '../programs/program.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, MODEL, STATE, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const RESUME = fileURLToPath(new URL('../programs/resume.mjs', import.meta.url))
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
})

const options = { model: MODEL, batchSize: 8, epochs: 1, threads: 1 } as const

/** A run that was stopped in the middle of its only epoch, so that its next checkpoint has other weights. */
async function halfRun(out: string): Promise<void> {
  const run = train({ ...options, data, out })
  for await (const event of run) if (event.type === 'step' && event.step === 2) break
  expect((await run.stop()).steps).toBeLessThan(4)
}

/** What there is of a run, and whether it is a model. */
async function checkpointsOf(out: string) {
  await using clip = await Clip.load(join(out, 'checkpoints/last'))
  expect((await clip.encodeTexts(['a red circle'])).shape).toEqual([1, 64])
  const files = readdirSync(join(out, 'checkpoints'), { recursive: true }).sort()
  return { files, weights: await digestsOf(out, WEIGHTS), state: await digestsOf(out, STATE) }
}

/** @param resuming a program that goes on with the run where it cannot save */
async function expectSurvival(out: string, resuming: () => Program, cause: string): Promise<void> {
  const before = await checkpointsOf(out)
  const { code, message } = await answerOf<{ code: string; message: string }>(resuming())
  expect(code).toBe('ERR_IO')
  expect(message.startsWith(`${join(out, 'checkpoints/last')} could not be written`), message).toBe(true)
  expect(message).toContain(cause)
  expect(message).toContain('what was there before is untouched')
  expect(await checkpointsOf(out)).toEqual(before)
}

describe('a disk that takes no more', () => {
  test('leaves the previous checkpoint, and the run goes on once there is room', async () => {
    const out = join(folder, 'limited')
    await halfRun(out)
    // The weights' file is 13 MiB, the moments' 26: the limit on file sizes ends the second in its middle.
    const limited = () =>
      new Program('bash', ['-c', 'ulimit -f 20480; exec "$@"', 'bash', process.execPath, RESUME, out])
    await expectSurvival(out, limited, 'EFBIG')

    // What a process that was killed leaves behind goes, too.
    mkdirSync(join(out, 'checkpoints/.last.0123456789ab.tmp'))
    await train({ resume: out }).result
    expect(readdirSync(join(out, 'checkpoints')).sort()).toEqual(['best', 'last'])
    const whole = join(folder, 'whole')
    await train({ ...options, data, out: whole }).result
    for (const file of [WEIGHTS, STATE]) expect(await digestsOf(out, file)).toEqual(await digestsOf(whole, file))
  })

  const disk = join(folder, 'disk')
  mkdirSync(disk)
  // A checkpoint takes 39 MiB: one fits, and the half of another.
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=56m', 'clipwright', disk]).status === 0
  afterAll(() => {
    if (mounted) spawnSync('umount', [disk])
  })

  test.skipIf(!mounted)('is told to be full', async () => {
    const out = join(disk, 'run')
    await halfRun(out)
    await expectSurvival(out, () => program('resume.mjs', [out]), 'the disk is full (ENOSPC)')
  })
})
