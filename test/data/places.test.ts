import { expect, test } from 'vitest'
import { Places } from '../../lib/data/places.js'

test('places lie in batches one after another', () => {
  const next = new Places(2, 3).inOrder()
  const places = [next(), next(), next()]
  expect(places.map(({ byteOffset, length }) => [byteOffset, length])).toEqual([
    [0, 3],
    [3, 3],
    [0, 3],
  ])
  expect(places[1]!.buffer).toBe(places[0]!.buffer)
  expect(places[2]!.buffer).not.toBe(places[0]!.buffer)
})

test('what is given back is used again, once, if it is a whole batch', () => {
  const places = new Places(2, 3)
  const next = places.inOrder()
  const [first, other] = [next(), new Uint8Array(5)]
  next()
  places.giveBack(other)
  places.giveBack(first)
  expect(next().buffer).toBe(first.buffer)
  next()
  const fresh = next()
  expect([first.buffer, other.buffer]).not.toContain(fresh.buffer)
})
