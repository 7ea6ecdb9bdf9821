import { expect, test } from 'vitest'
import { SampleStore } from '../../lib/data/sample-store.js'

test('samples come back as they were, from any place', () => {
  const samples = Array.from({ length: 5000 }, (_, i) => ({
    image: i % 3 === 0 ? `/elsewhere/${i}.png` : `/data/pictures/${i}.png`,
    captions: Array.from(
      { length: 1 + (i % 4) },
      (_, c) => `caption ${c} of ${'ä'.repeat(i % 7)}${i % 5 === 0 ? '\uD83D\uDE00' : ''}`,
    ),
    ...(i % 2 === 0 && { id: `${i}` }),
  }))
  samples[7]!.captions.push('half a pair \uD83D stays half', '\0')
  samples[8]!.captions.push('x'.repeat(5 << 20)) // longer than a piece
  const store = new SampleStore('/data/')
  for (const sample of samples) store.add(sample)
  expect(store).toHaveLength(samples.length)
  for (const [i, sample] of samples.entries()) expect(store.at(i)).toEqual(sample)
})

test('many samples take little more than their bytes', () => {
  const store = new SampleStore('/data/')
  const before = process.memoryUsage()
  for (let i = 0; i < 300_000; i++) store.add({ image: `/data/${i}.jpg`, captions: [`a photo of thing number ${i}`] })
  globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  expect(store.at(299_999)).toEqual({ image: '/data/299999.jpg', captions: ['a photo of thing number 299999'] })
  // Fifty bytes of text each, and what says where it lies.
  expect((arrayBuffers - before.arrayBuffers) / 300_000).toBeLessThan(100)
  expect(heapUsed - before.heapUsed).toBeLessThan(120 << 20) // what is not collected yet
})
