import { describe, expect, it } from 'vitest'
import { show } from '../../lib/base/options.js'
import { shorten, some } from '../../lib/base/shorten.js'

describe('shorten', () => {
  it('leaves what people read as it is, and keeps both ends of what they do not', () => {
    expect(shorten('a'.repeat(200))).toBe('a'.repeat(200))
    const short = shorten(`begin${'x'.repeat(400_000)}end`)
    expect(short).toMatch(/^beginx*… \(399808 characters\) …x*end$/)
    expect(short.length).toBeLessThan(250)
    expect(show('y'.repeat(400_000)).length).toBeLessThan(250)
  })
})

describe('some', () => {
  it('gives a few names, and how many more there are', () => {
    expect(some(['a', 'b'])).toBe('a, b')
    expect(some(Array.from({ length: 1000 }, (_, i) => `${i}`))).toBe('0, 1, 2, 3, 4 and 995 more')
  })
})
