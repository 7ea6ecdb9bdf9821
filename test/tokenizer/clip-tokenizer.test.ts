import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { ClipTokenizer } from '../../lib/tokenizer/clip-tokenizer.js'

type Case = { text: string; ids: number[] }
type FuzzCase = Case & { decoded: string }
function goldens<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../goldens/tokens/${name}`, import.meta.url), 'utf8')).cases
}

let tokenizer: ClipTokenizer
beforeAll(async () => {
  tokenizer = await ClipTokenizer.load()
})

describe('ClipTokenizer against open_clip', () => {
  it.each(goldens<Case>('clip.json').map((c, i) => [i, c] as const))('row %i', (_, { text, ids }) => {
    const { data, lengths } = tokenizer.encodeBatch([text], { contextLength: 77 })
    expect([...data.subarray(0, lengths[0])]).toEqual(ids)
    expect([...data.subarray(lengths[0])]).toEqual(Array(77 - ids.length).fill(0))
  })

  it.each(goldens<FuzzCase>('clip-fuzz.json').map((c, i) => [i, c] as const))('string %i', (_, c) => {
    expect(tokenizer.encode(c.text)).toEqual(c.ids)
    expect(tokenizer.decode(c.ids)).toBe(c.decoded)
  })
})

describe('ClipTokenizer.encodeBatch', () => {
  it('cuts an over-long caption, keeps its end and counts it', () => {
    const batch = tokenizer.encodeBatch(['a dog', 'a dog and a cat', ''], { contextLength: 5 })
    expect(batch.shape).toEqual([3, 5])
    expect([...batch.data]).toEqual([49406, 320, 1929, 49407, 0, 49406, 320, 1929, 537, 49407, 49406, 49407, 0, 0, 0])
    expect([...batch.lengths]).toEqual([4, 5, 2])
    expect(batch.truncated).toBe(1)
  })

  it('does not count a caption that just fits', () => {
    expect(tokenizer.encodeBatch(['a dog'], { contextLength: 4 })).toMatchObject({ truncated: 0, shape: [1, 4] })
  })

  it('takes an empty list', () => {
    expect(tokenizer.encodeBatch([], { contextLength: 77 })).toMatchObject({ shape: [0, 77], truncated: 0 })
  })

  it.each([1, 0, -3, 2.5, Number.NaN, undefined, '77'])('refuses contextLength %s', (contextLength) => {
    expect(() => tokenizer.encodeBatch(['a'], { contextLength: contextLength as number })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('contextLength') }),
    )
  })

  it('refuses an unknown option and offers the nearest', () => {
    const options = { contextLength: 77, contextlenght: 12 }
    expect(() => tokenizer.encodeBatch(['a'], options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('"contextLength"?') }),
    )
  })

  it('names the entry that is not a string', () => {
    const texts = ['a', null] as unknown as string[]
    expect(() => tokenizer.encodeBatch(texts, { contextLength: 77 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('null at index 1') }),
    )
    expect(() => tokenizer.encodeBatch('a' as unknown as string[], { contextLength: 77 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('list of strings') }),
    )
  })
})

describe('ClipTokenizer', () => {
  it('has CLIP’s vocabulary', () => {
    expect(tokenizer).toMatchObject({ vocabSize: 49408, startId: 49406, endId: 49407, padId: 0 })
  })

  it('gives the same ids from its cache', () => {
    const first = tokenizer.encode('zyxwvutsrq pterodactyls')
    expect(tokenizer.encode('zyxwvutsrq pterodactyls')).toEqual(first)
  })

  it('decodes a framed row', () => {
    const { data, lengths } = tokenizer.encodeBatch(['A photo of a Dog!'], { contextLength: 77 })
    expect(tokenizer.decode(data.subarray(0, lengths[0]))).toBe('<start_of_text>a photo of a dog ! <end_of_text>')
  })

  it.each([undefined, null, 320, '', {}])('refuses to decode %j, which is no list', (ids) => {
    expect(() => tokenizer.decode(ids as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('list of ids') }),
    )
  })

  it.each([49408, -1, 1.5, Number.NaN])('refuses to decode %s', (id) => {
    expect(() => tokenizer.decode([320, id])).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('index 1') }),
    )
  })

  it('refuses to encode what is not a string', () => {
    expect(() => tokenizer.encode(7 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('got 7') }),
    )
  })

  it('encodes a word of a million letters without quadratic work', () => {
    const word = 'the quick brown fox jumps over '.replaceAll(' ', '').repeat(40_000)
    const started = performance.now()
    const ids = tokenizer.encode(word)
    expect(tokenizer.decode(ids).trimEnd()).toBe(word)
    // A scan of the whole word for each merge takes minutes.
    expect(performance.now() - started).toBeLessThan(30_000)
  })
})
