import { describe, expect, test } from 'vitest'
import { EventChannel, KEPT_EVENTS } from '../../lib/train/event-channel.js'

async function drain<E>(events: AsyncIterable<E>): Promise<E[]> {
  const all: E[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('EventChannel', () => {
  test('a late reader gets what was said before, then what follows', async () => {
    const channel = new EventChannel<number>()
    channel.push(1)
    const reading = drain(channel.read())
    channel.push(2)
    channel.close()
    expect(await reading).toEqual([1, 2])
    expect(await drain(channel.read())).toEqual([1, 2])
  })

  test('unread events are bounded: the newest stay', async () => {
    const channel = new EventChannel<number>()
    const behind = channel.read()
    for (let i = 0; i < KEPT_EVENTS + 10; i++) channel.push(i)
    channel.close()
    for (const events of [await drain(behind), await drain(channel.read())]) {
      expect(events).toHaveLength(KEPT_EVENTS)
      expect(events[0]).toBe(10)
      expect(events.at(-1)).toBe(KEPT_EVENTS + 9)
    }
  })

  test('two readers each get every event', async () => {
    const channel = new EventChannel<number>()
    const readings = [drain(channel.read()), drain(channel.read())]
    channel.push(7)
    channel.close()
    expect(await Promise.all(readings)).toEqual([[7], [7]])
  })

  test('a failure is thrown after the unread events, once', async () => {
    const channel = new EventChannel<number>()
    channel.push(1)
    channel.close({ error: new Error('broken') })
    const reader = channel.read()
    expect(await reader.next()).toEqual({ value: 1, done: false })
    await expect(reader.next()).rejects.toThrow('broken')
    expect(await reader.next()).toEqual({ value: undefined, done: true })
  })

  test('leaving the loop ends the reader alone', async () => {
    const channel = new EventChannel<number>()
    const stays = drain(channel.read())
    channel.push(1)
    for await (const event of channel.read()) {
      expect(event).toBe(1)
      break
    }
    channel.push(2)
    channel.close()
    expect(await stays).toEqual([1, 2])
  })
})
