import { describe, expect, it } from 'vitest'
import { ExactNumber, parseExactJson } from '../../lib/files/exact-json.js'

const parse = (text: string) => parseExactJson(text, 'x.json')

describe('parseExactJson', () => {
  it.each([
    '1357913579135791357',
    '-9007199254740993',
    '1.0',
    '1.50',
    '1e3',
    '1E400',
    '-0',
    '0.1000000000000000055511151231257827',
  ])('keeps the digits of %s', (source) => {
    expect(parse(source)).toEqual(new ExactNumber(source))
    expect(parse(`{"a":[1,{"id": ${source} }],"b":"${source}"}`)).toEqual({
      a: [1, { id: new ExactNumber(source) }],
      b: source,
    })
  })

  it.each(['0', '7', '-12', '9007199254740991', '1.5', '0.1', '[1.25,"2.0",{"a":3}]', '"1e3"', 'null', 'true'])(
    'gives what JSON.parse gives for %s',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text))
    },
  )

  it('looks at no digits inside strings and keys', () => {
    const value = { 'a 12345678901234567890': ['b": 1.0, \\', '\\"1.0', ' 1e5', '\u2028 -0'], c: 'd"e' }
    expect(parse(JSON.stringify(value))).toEqual(value)
    expect(parse(`[${JSON.stringify(value)},1.0]`)).toEqual([value, new ExactNumber('1.0')])
  })

  it('takes a key called __proto__ as any other, and any depth', () => {
    const parsed = parse('{"__proto__": 1.0}') as object
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect(Object.getOwnPropertyDescriptor(parsed, '__proto__')?.value).toEqual(new ExactNumber('1.0'))
    let deep = parse(`${'['.repeat(5000)}1.0${']'.repeat(5000)}`) as unknown[]
    for (let i = 0; i < 4999; i++) deep = deep[0] as unknown[]
    expect(deep).toEqual([new ExactNumber('1.0')])
  })

  it.each(['{"a": 1.0', '[1.0,]', '01.0', '1.', '"\n1.0'])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }))
  })

  it('takes no longer for a string of a million characters', () => {
    const long = `\\"${'x'.repeat(1_000_000)}`
    expect(parse(`[ 1.0, ${JSON.stringify(long)}]`)).toEqual([new ExactNumber('1.0'), long])
  })
})
