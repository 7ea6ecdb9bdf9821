import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { timeSteps } from '../../lib/bench/step-times.js'

/** A device that does one step after the other, and how many it had at a time. */
function device(ms: number) {
  const seen: number[] = []
  let busy: Promise<unknown> = Promise.resolve()
  let waiting = 0
  const step = async () => {
    seen.push(++waiting)
    busy = busy.then(() => setTimeout(ms))
    await busy
    waiting--
    return { deviceMs: ms / 2 }
  }
  return { step, seen }
}

it('keeps one step ahead of the one that is waited for, and then times lone ones', async () => {
  const { step, seen } = device(5)
  const { intervals, deviceMs, alone } = await timeSteps(step, 4, true)
  expect([intervals.length, deviceMs, alone.length]).toEqual([4, [2.5, 2.5, 2.5, 2.5], 3])
  // Five to warm up and one behind the last that counts.
  expect(seen).toEqual([1, ...Array(9).fill(2), 1, 1, 1])
  for (const ms of [...intervals, ...alone]) expect(ms).toBeGreaterThan(4)
})

it('times one step after the other where nothing works beside the host', async () => {
  const { step, seen } = device(5)
  const { intervals, deviceMs, alone } = await timeSteps(step, 3, false)
  expect([intervals.length, deviceMs, alone]).toEqual([3, [], []])
  expect(seen).toEqual([1, 1, 1, 1])
})

it.each([0, 3])('ends with the failure of step %i and leaves no other unseen', async (at) => {
  let begun = 0
  const step = async () => {
    if (begun++ >= at) throw new Error(`step ${begun - 1}`)
    return {}
  }
  await expect(timeSteps(step, 2, true)).rejects.toThrow(`step ${at}`)
})
