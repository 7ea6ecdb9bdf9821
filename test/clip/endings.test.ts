import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Clip, InfoNCE, type ModelConfig, type Pixels } from '../../lib/index.js'
import { answerOf, Program, program } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const LIMIT_MS = 250
const ENDING = fileURLToPath(new URL('../programs/ending.mjs', import.meta.url))

const report = (what: string, times: number[]) =>
  console.log(`${what}: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms (limit ${LIMIT_MS})`)

describe('a process whose model works', () => {
  test.each([
    ['exit', 7],
    ['throw', 1],
  ])('ends at once: %s', async (how, code) => {
    const data = await captionList(folder, `data-${how}`, 24)
    const options = { data, out: join(folder, how), model: 'ViT-tiny-test', batchSize: 8, epochs: 10_000 }
    for (const what of ['step', 'create', 'rank', 'train']) {
      const ended = await program('ending.mjs', [how, what, JSON.stringify(options)]).ended
      expect([ended.code, ended.signal], ended.stderr).toEqual([code, null])
      expect(ended.stderr.includes('boom')).toBe(how === 'throw')
      expect(ended.stdout).not.toContain('done')
      const took = ended.at - Number(ended.stdout)
      report(`${how} in mid-${what}`, [took])
      expect(took).toBeLessThan(3 * LIMIT_MS)
    }
  })

  test.each(['exit', 'throw'])('computes nothing more once libraries are destroyed: %s', async (how) => {
    const library = join(folder, `late-work-${how}.so`)
    execFileSync('gcc', [
      '-shared',
      '-fPIC',
      '-O1',
      fileURLToPath(new URL('../programs/late-work.c', import.meta.url)),
      '-o',
      library,
    ])
    for (const what of ['step', 'create', 'rank']) {
      const args = [`LD_PRELOAD=${library}`, process.execPath, ENDING, how, what]
      const { stderr } = await new Program('env', args).ended
      const late = /late work: (\d+) ms/.exec(stderr)
      expect(Number(late?.[1]), stderr).toBeLessThan(50)
    }
  })

  test('lives until the work is done when nothing else ends it', async () => {
    const { code, stdout, stderr } = await program('ending.mjs', ['run out', 'step']).ended
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'the work was done\n', stderr: '' })
  })
})

describe('worker_threads', () => {
  test('each have models of their own, and take them along when they are ended', async () => {
    type Answer = { losses: number[][]; endings: number[] }
    const { losses, endings } = await answerOf<Answer>(program('threads.mjs'))
    expect(losses).toHaveLength(5)
    for (const other of losses) expect(other).toEqual(losses[0])
    report('ending a thread in mid-step', endings)
    for (const took of endings) expect(took).toBeLessThan(3 * LIMIT_MS)
  })
})

describe('dispose', () => {
  /** Layers as wide as those of ViT-B/32, but one each: operations take as long, a step does not. */
  const WIDE: ModelConfig = {
    embed_dim: 512,
    vision_cfg: { image_size: 224, patch_size: 32, width: 768, layers: 1 },
    text_cfg: { context_length: 77, vocab_size: 49408, width: 512, heads: 8, layers: 1 },
  }

  test('in mid-step waits for one operation at most', async () => {
    const n = 64
    const images: Pixels = { shape: [n, 224, 224, 3], data: new Uint8Array(n * 224 * 224 * 3) }
    const tokens = Array.from({ length: n }, (_, i) => `number ${i}`)
    const times: number[] = []
    for (let i = 0; i < 6; i++) {
      const clip = await Clip.create(WIDE)
      const step = clip.forwardBackward({ images, tokens }, new InfoNCE()).catch((error: unknown) => error)
      await new Promise((resolve) => setTimeout(resolve, 30 * i))
      const began = performance.now()
      await clip.dispose()
      times.push(performance.now() - began)
      expect(await step).toMatchObject({ code: 'ERR_DISPOSED' })
    }
    report('dispose in mid-step', times)
    for (const took of times) expect(took).toBeLessThan(3 * LIMIT_MS)
  })
})
