import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inTurn } from '../../lib/files/in-turn.js'

it('lets one begin when the one before has ended, well or not; other keys do not wait', async () => {
  const told: string[] = []
  const work =
    (name: string, ms: number, fails = false) =>
    async () => {
      told.push(`${name} begins`)
      await sleep(ms)
      told.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const all = await Promise.allSettled([
    inTurn('a', work('first', 30, true)),
    inTurn('a', work('second', 5)),
    inTurn('b', work('other', 1)),
  ])
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(told.filter((line) => !line.startsWith('other'))).toEqual([
    'first begins',
    'first ends',
    'second begins',
    'second ends',
  ])
  expect(told.indexOf('other ends')).toBeLessThan(told.indexOf('first ends'))
})
