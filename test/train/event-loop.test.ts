import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { answerOf, program } from '../programs/program.js'
import { temporaryFolder } from './pictures.js'

const folder = temporaryFolder()
const LIMIT_MS = 20

/** Photographs in their size and noise, if not in what they show. */
async function photographs(name: string, count: number, width: number, height: number): Promise<string> {
  mkdirSync(join(folder, name))
  const pixels = Buffer.alloc(width * height * 3)
  const entries = []
  for (let i = 0; i < count; i++) {
    for (let p = 0; p < pixels.length; p++) pixels[p] = (p >> 4) * (i + 3) + ((p * 2654435761) >>> 27)
    const image = join(name, `${i}.jpg`)
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toFile(join(folder, image))
    entries.push({ image, caption: [`photograph number ${i}`, `${i} of ${count}`] })
  }
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify(entries))
  return path
}

type Answer = { p50: number; p99: number; max: number; beats: number; counts: Record<string, number> }

const data = photographs('train', 96, 640, 480)

test.each([
  ['crop and flip', {}],
  ["AutoAugment's policy", { policy: 'imagenet' }],
  ['jitter, paste, rotation, colours', { policy: 'jitter-paste' }],
])(
  'the event loop stays free while a model trains (%s): decoding, steps, evaluations, checkpoints, plots',
  async (name, augment) => {
    const list = await data
    const out = join(folder, name)
    const options = { data: list, val: list, out, model: 'ViT-Ti-8-quickstart', batchSize: 32, epochs: 3, augment }
    const { p50, p99, max, beats, counts } = await answerOf<Answer>(
      program('event-loop.mjs', [JSON.stringify(options)]),
    )
    console.log(
      `event loop while training (${name}): p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (limit ${LIMIT_MS}), longest ${max.toFixed(1)} ms, ${beats} samples`,
    )
    expect(counts).toMatchObject({ step: 9, eval: 3 })
    expect(beats).toBeGreaterThan(500)
    expect(p99).toBeLessThan(3 * LIMIT_MS)
  },
)
