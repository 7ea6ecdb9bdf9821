import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors, type Safetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { chanceRecall } from '../../lib/eval/chance.js'
import { type RecallTable, retrievalMetrics } from '../../lib/eval/metrics.js'
import { checkRelevance } from '../../lib/eval/relevance.js'

type Case = { name: string; expected: RecallTable; best?: RecallTable; worst?: RecallTable }
const golden = (name: string) => fileURLToPath(new URL(`../goldens/metrics/${name}`, import.meta.url))
const { cases } = JSON.parse(readFileSync(golden('cases.json'), 'utf8')) as { cases: Case[] }

let file: Safetensors
beforeAll(async () => {
  file = await readSafetensors(golden('metrics.safetensors'))
})

describe('retrievalMetrics', () => {
  it.each(cases)('golden $name', ({ name, expected }) => {
    const { shape, data } = file.tensors[`${name}.sims`]!
    const owner = file.tensors[`${name}.owner`]!.data as Int32Array
    const table = retrievalMetrics({ shape, data: data as Float32Array }, owner)
    expect(Object.keys(table).sort()).toEqual(Object.keys(expected).sort())
    for (const [key, value] of Object.entries(expected)) {
      expect(Math.abs(table[key as keyof RecallTable] - value), key).toBeLessThan(1e-9)
    }
  })

  it('ranks the later of equal scores first', () => {
    // Three images, one caption each, everything equal: only the last image and the last caption come first.
    const table = retrievalMetrics({ shape: [3, 3], data: new Float32Array(9) }, Int32Array.of(0, 1, 2))
    expect(table.txt_r1).toBeCloseTo(100 / 3, 12)
    expect(table.img_r1).toBeCloseTo(100 / 3, 12)
    expect(table.txt_r5).toBe(100)
  })

  it('takes infinite scores', () => {
    const data = Float32Array.of(-Infinity, 1, Infinity, -Infinity)
    expect(retrievalMetrics({ shape: [2, 2], data }, Int32Array.of(1, 0)).r_mean).toBe(100)
    expect(retrievalMetrics({ shape: [2, 2], data }, Int32Array.of(0, 1)).txt_r1).toBe(0)
  })

  const one = { shape: [1, 1], data: Float32Array.of(1) }
  it.each<[string, unknown, unknown, RegExp]>([
    [
      'NaN',
      { shape: [2, 3], data: Float32Array.of(0, 0, 0, 0, 0, Number.NaN) },
      Int32Array.of(0, 1, 1),
      /similarity\[1, 2\] is NaN/,
    ],
    [
      'a shape of other size',
      { shape: [2, 2], data: new Float32Array(3) },
      Int32Array.of(0, 1),
      /needs 4 values, got 3/,
    ],
    ['three dimensions', { shape: [1, 1, 1], data: new Float32Array(1) }, Int32Array.of(0), /\[1, 1, 1\]/],
    ['no captions', { shape: [1, 0], data: new Float32Array(0) }, new Int32Array(0), /from 1 up/],
    ['a list of lists', [[1]], Int32Array.of(0), /must be a tensor/],
    ['owners as a list', one, [0], /Int32Array/],
    ['too few owners', { shape: [1, 2], data: new Float32Array(2) }, Int32Array.of(0), /each of the 2 captions, got 1/],
    ['too many owners', one, Int32Array.of(0, 0), /each of the 1 captions, got 2/],
    ['owners in shared memory', one, new Int32Array(new SharedArrayBuffer(4)), /imageOfCaption.*Shared/],
    ['an owner out of range', one, Int32Array.of(1), /imageOfCaption\[0\] must be an image from 0 to 0, got 1/],
    ['a negative owner', one, Int32Array.of(-1), /got -1/],
    [
      'an image without caption',
      { shape: [2, 1], data: new Float32Array(2) },
      Int32Array.of(0),
      /Image 1 has no caption/,
    ],
    ['shared memory', { shape: [1, 1], data: new Float32Array(new SharedArrayBuffer(4)) }, Int32Array.of(0), /Shared/],
  ])('refuses %s', (_, similarity, owners, message) => {
    const call = () => retrievalMetrics(similarity as typeof one, owners as Int32Array)
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(call).toThrow(message)
  })
})

describe('captions of several images', () => {
  it('are found by the best of them; images without captions are only searched', () => {
    // Rows are images, columns captions. Image 3 has no caption.
    const similarity = {
      shape: [4, 3],
      data: Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.1, 0.6, 0.4, 0.2, 0.9, 0.95),
    }
    const table = retrievalMetrics(similarity, [[1, 2], [2], [0, 1]])
    // To texts: image 0 ranks its only caption 2 second; 1 has caption 0 first; 2 has caption 1 first.
    expect(table.txt_r1).toBeCloseTo(200 / 3, 12)
    // To images: caption 0 finds image 1 second; caption 1 image 2 second; caption 2 image 1 second.
    expect(table.img_r1).toBe(0)
    expect(table).toMatchObject({ txt_r5: 100, img_r5: 100 })
  })

  it('are ranked as by sorting', () => {
    let state = 7
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 1
      return (state >>> 8) % n
    }
    const [images, captions] = [30, 50]
    const data = Float32Array.from({ length: images * captions }, () => random(40))
    const owners = Array.from({ length: captions }, () => [...new Set([random(images - 2), random(images - 2)])])
    const found = (scores: number[], right: (i: number) => boolean, k: number) =>
      scores
        .map((score, i) => ({ score, i }))
        .sort((a, b) => b.score - a.score || b.i - a.i)
        .slice(0, k)
        .some(({ i }) => right(i))
    const table = retrievalMetrics({ shape: [images, captions], data }, owners)
    const share = (hits: boolean[]) => (100 * hits.filter(Boolean).length) / hits.length
    for (const k of [1, 5, 10] as const) {
      const byCaption = owners.map((own, j) =>
        found(
          Array.from({ length: images }, (_, i) => data[i * captions + j]!),
          (i) => own.includes(i),
          k,
        ),
      )
      expect(table[`img_r${k}`]).toBeCloseTo(share(byCaption), 10)
      const asked = Array.from({ length: images }, (_, i) => i).filter((i) => owners.some((own) => own.includes(i)))
      expect(asked.length).toBeLessThan(images)
      const byImage = asked.map((i) =>
        found([...data.subarray(i * captions, (i + 1) * captions)], (j) => owners[j]!.includes(i), k),
      )
      expect(table[`txt_r${k}`]).toBeCloseTo(share(byImage), 10)
    }
  })

  it.each([
    [[[0], []], /imageOfCaption\[1\] is an array of 0/],
    [[[0], [4]], /from 0 to 1, got 4/],
    [[[0], [0.5]], /got 0.5/],
    [[[0]], /each of the 2 captions, got 1/],
  ])('refuses %j', (owners, message) => {
    const similarity = { shape: [2, 2], data: new Float32Array(4) }
    expect(() => retrievalMetrics(similarity, owners)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })
})

describe('chanceRecall', () => {
  it('is K in n where each image has one caption', () => {
    const owners = Int32Array.from({ length: 40 }, (_, i) => i)
    const chance = chanceRecall(40, checkRelevance(owners, 40, 40))
    expect(chance.txt_r1).toBeCloseTo(2.5, 12)
    expect(chance.img_r5).toBeCloseTo(12.5, 12)
    expect(chance.txt_r10).toBeCloseTo(25, 12)
  })

  it('leaves pictures without captions out of the questions, not of the answers', () => {
    const chance = chanceRecall(8, checkRelevance([[0], [1, 2], [3]], 8, 3))
    // Each of four pictures has one of three captions; captions have 1, 2 and 1 of eight pictures.
    expect(chance.txt_r1).toBeCloseTo(100 / 3, 12)
    expect(chance.img_r1).toBeCloseTo((100 * (1 + 2 + 1)) / 8 / 3, 12)
  })

  it('equals the average over every order of 2 + 1 + 3 captions', () => {
    const owners = Int32Array.of(0, 0, 1, 2, 2, 2)
    let first = 0
    let firstFive = 0
    let orders = 0
    const visit = (order: number[], rest: number[]) => {
      if (rest.length === 0) {
        orders++
        for (let image = 0; image < 3; image++) {
          if (owners[order[0]!] === image) first++
          if (order.slice(0, 5).some((caption) => owners[caption] === image)) firstFive++
        }
      }
      for (const next of rest)
        visit(
          [...order, next],
          rest.filter((c) => c !== next),
        )
    }
    visit([], [0, 1, 2, 3, 4, 5])
    const chance = chanceRecall(3, checkRelevance(owners, 3, 6))
    expect(orders).toBe(720)
    expect(chance.txt_r1).toBeCloseTo((100 * first) / orders / 3, 10)
    expect(chance.txt_r5).toBeCloseTo((100 * firstFive) / orders / 3, 10)
    expect(chance.txt_r10).toBe(100)
    expect(chance.img_r1).toBeCloseTo(100 / 3, 12)
    expect(chance.img_r10).toBe(100)
  })
})
