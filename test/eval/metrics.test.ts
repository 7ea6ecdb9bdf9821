import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors, type Safetensors } from '../../lib/checkpoint/safetensors.js'
import { chanceRecall } from '../../lib/eval/chance.js'
import { type RecallTable, retrievalMetrics } from '../../lib/eval/metrics.js'

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
      { shape: [2, 2], data: Float32Array.of(0, 0, Number.NaN, 0) },
      Int32Array.of(0, 1),
      /similarity\[1, 0\] is NaN/,
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

describe('chanceRecall', () => {
  it('is K in n where each image has one caption', () => {
    const chance = chanceRecall(
      40,
      Int32Array.from({ length: 40 }, (_, i) => i),
    )
    expect(chance.txt_r1).toBeCloseTo(2.5, 12)
    expect(chance.img_r5).toBeCloseTo(12.5, 12)
    expect(chance.txt_r10).toBeCloseTo(25, 12)
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
    const chance = chanceRecall(3, owners)
    expect(orders).toBe(720)
    expect(chance.txt_r1).toBeCloseTo((100 * first) / orders / 3, 10)
    expect(chance.txt_r5).toBeCloseTo((100 * firstFive) / orders / 3, 10)
    expect(chance.txt_r10).toBe(100)
    expect(chance.img_r1).toBeCloseTo(100 / 3, 12)
    expect(chance.img_r10).toBe(100)
  })
})
