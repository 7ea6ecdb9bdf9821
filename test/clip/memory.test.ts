import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, program } from '../programs/program.js'

let folder: string
const images: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-memory-'))
  for (let i = 0; i < 12; i++) {
    const [width, height] = [160 + 24 * i, 240 - 8 * i]
    const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, p) => (p * (i + 3)) % 251))
    images.push(join(folder, `${i}.jpg`))
    await writeFile(
      images[i]!,
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .jpeg()
        .toBuffer(),
    )
  }
})
afterAll(() => rm(folder, { recursive: true }))

const LIMIT_MIB = 32
const WARM_UP = 40
const ROUNDS = 200

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}

test('2,000 encode calls and 200 steps do not grow the resident size', async () => {
  const options = { model: 'ViT-tiny-test', rounds: WARM_UP + ROUNDS, encodesPerRound: 10, stepsPerRound: 1, images }
  const sizes = await answerOf<number[]>(program('memory.mjs', [JSON.stringify(options)]))
  expect(sizes).toHaveLength(WARM_UP + ROUNDS)
  const after = median(sizes.slice(WARM_UP, WARM_UP + 5))
  const end = median(sizes.slice(-ROUNDS / 10))
  console.log(
    `resident size: ${after.toFixed(1)} MiB after warm-up, ${end.toFixed(1)} MiB at the end, ${(end - after).toFixed(1)} MiB more (limit ${LIMIT_MIB})`,
  )
  expect(end - after).toBeLessThanOrEqual(LIMIT_MIB)
})
