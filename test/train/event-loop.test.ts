import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { answerOf, program } from '../programs/program.js'
import { temporaryFolder } from './pictures.js'

const folder = temporaryFolder()
const full = process.env.CLIPWRIGHT_TEST_FULL === '1'
/** What a machine without other work keeps; where suites run side by side others' turns are measured, too. */
const LIMIT_MS = 10
const ALLOWED_MS = full ? LIMIT_MS : 5 * LIMIT_MS

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

const ENCODED = full ? 10_000 : 400

test(`the event loop stays free while ${ENCODED} pictures are encoded`, async () => {
  const entries: { image: string }[] = JSON.parse(readFileSync(await data, 'utf8'))
  const images = entries.map(({ image }) => join(folder, image))
  const asked = { model: 'ViT-Ti-8-quickstart', images, count: ENCODED }
  const { p50, p99, max, beats, encoded } = await answerOf<Omit<Answer, 'counts'> & { encoded: number }>(
    program('event-loop-encoding.mjs', [JSON.stringify(asked)], { timeout: full ? 600_000 : 50_000 }),
  )
  console.log(
    `event loop while encoding: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (limit ${LIMIT_MS}), longest ${max.toFixed(1)} ms, ${beats} samples`,
  )
  expect(encoded).toBe(ENCODED)
  expect(beats).toBeGreaterThan(100)
  expect(p99).toBeLessThan(ALLOWED_MS)
}, 610_000)

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
    expect(p99).toBeLessThan(ALLOWED_MS)
  },
)
