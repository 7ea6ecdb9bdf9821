import { afterEach, describe, expect, test, vi } from 'vitest'
import { countProgress } from '../../lib/cli/count-progress.js'

afterEach(() => void vi.useRealTimers())

function terminal(columns: number | undefined) {
  const written: string[] = []
  const write = (text: string) => written.push(text)
  return { written, stream: { isTTY: columns !== undefined, columns, write } as unknown as NodeJS.WriteStream }
}

describe('progress over a count', () => {
  test.each([40, 80, 200])('is a bar with rate and time left, within %i columns', (columns) => {
    vi.useFakeTimers()
    const { written, stream } = terminal(columns)
    const progress = countProgress(stream)
    progress.show({ kind: 'images', done: 0, total: 4000 })
    vi.advanceTimersByTime(10_000)
    progress.show({ kind: 'images', done: 1000, total: 4000 })
    const [first, second] = written.map((text) => text.replace('\r\x1b[K', ''))
    expect(first).toContain('0/4000')
    expect(second).toContain('1000/4000  100 per second  0:30 left')
    for (const line of [first!, second!]) expect(line.length).toBeLessThan(Math.max(columns, 52))
    if (columns >= 80) expect(second).toMatch(/█{6}░{18} {2}1000/)
    progress.close()
    expect(written.at(-1)).toBe('\r\x1b[K')
  })

  test('is a line every ten seconds elsewhere, and none of a command that is done at once', () => {
    vi.useFakeTimers()
    const { written, stream } = terminal(undefined)
    const progress = countProgress(stream)
    for (let done = 0; done <= 20; done++) {
      progress.show({ kind: 'texts', done, total: 20 })
      vi.advanceTimersByTime(1000)
    }
    progress.close()
    expect(written).toEqual(['texts 2/20  1.0 per second  0:18 left\n', 'texts 12/20  1.0 per second  0:08 left\n'])
    const quick = terminal(undefined)
    const short = countProgress(quick.stream)
    for (const done of [0, 3]) short.show({ kind: 'texts', done, total: 3 })
    expect(quick.written).toEqual([])
  })

  test('counts each kind from its own beginning', () => {
    vi.useFakeTimers()
    const { written, stream } = terminal(120)
    const progress = countProgress(stream)
    for (const kind of ['images', 'texts'] as const) {
      progress.show({ kind, done: 0, total: 10 })
      vi.advanceTimersByTime(kind === 'images' ? 10_000 : 1000)
      progress.show({ kind, done: 10, total: 10 })
    }
    expect(written[1]).toContain('pictures ')
    expect(written[1]).toContain('10/10  1.0 per second')
    expect(written[3]).toContain('10/10  10.0 per second')
  })
})
