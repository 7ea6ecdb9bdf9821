import { describe, expect, test } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import * as clipwright from '../../lib/index.js'

/** Those that do their work whatever they are given, for minutes. */
const MEASURES = /^bench[A-Z]/

type Exported = (...given: unknown[]) => unknown

const exported: Record<string, unknown> = { ...clipwright }
const callable = Object.entries(exported).filter(
  (entry): entry is [string, Exported] => typeof entry[1] === 'function' && !MEASURES.test(entry[0]),
)

const isClass = (of: Exported) => /^class\b/.test(Function.prototype.toString.call(of))

/** What an export says of these arguments; nothing where it takes them. */
async function refusal(of: Exported, given: unknown[]): Promise<unknown> {
  try {
    const result = isClass(of) ? Reflect.construct(of, given) : of(...given)
    const events: AsyncIterator<unknown> | undefined = Object(result)[Symbol.asyncIterator]?.()
    await (events ? events.next() : result)
    await Object(result).result
    return undefined
  } catch (error) {
    return error
  }
}

describe('whatever is called from JavaScript with arguments of no use', () => {
  test.each(callable)('%s refuses them in our words, or does without', async (name, of) => {
    for (const given of [[], [5], [null], [{}], ['', '', '']]) {
      const error = await refusal(of, given)
      if (error === undefined) continue
      const text = `${name}(${JSON.stringify(given).slice(1, -1)}): ${error}`
      expect(error, text).toBeInstanceOf(ClipwrightError)
      expect(text).not.toMatch(/nonoptional|Invalid input|undefined|\[object/)
    }
  })

  test('there are such exports', () => {
    expect(callable.length).toBeGreaterThan(30)
  })
})
