import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BertTokenizer } from '../../lib/tokenizer/bert-tokenizer.js'

type Case = { text: string; ids52: number[]; ids77: number[]; cased_ids52?: number[]; cased_ids77?: number[] }
type FuzzCase = { text: string; lowerCase: boolean; ids: number[]; decoded: string }
function goldens<T>(name: string): (readonly [number, T])[] {
  const { cases } = JSON.parse(readFileSync(new URL(`../goldens/tokens/${name}`, import.meta.url), 'utf8'))
  return (cases as T[]).map((c, i) => [i, c] as const)
}

const folder = mkdtempSync(join(tmpdir(), 'clipwright-bert-'))
afterAll(() => rmSync(folder, { recursive: true }))

let lower: BertTokenizer
let cased: BertTokenizer
beforeAll(async () => {
  lower = await BertTokenizer.load()
  cased = await BertTokenizer.load({ lowerCase: false })
})

function row(tokenizer: BertTokenizer, text: string, contextLength: number): number[] {
  const { data, lengths } = tokenizer.encodeBatch([text], { contextLength })
  expect([...data.subarray(lengths[0])]).toEqual(Array(contextLength - lengths[0]!).fill(0))
  return [...data.subarray(0, lengths[0])]
}

describe('BertTokenizer against transformers', () => {
  it.each(goldens<Case>('bert.json'))('case %i', (_, c) => {
    expect(row(lower, c.text, 52)).toEqual(c.ids52)
    expect(row(lower, c.text, 77)).toEqual(c.ids77)
    expect(row(cased, c.text, 52)).toEqual(c.cased_ids52 ?? c.ids52)
    expect(row(cased, c.text, 77)).toEqual(c.cased_ids77 ?? c.ids77)
  })

  it.each(goldens<FuzzCase>('bert-fuzz.json'))('string %i', (_, c) => {
    const tokenizer = c.lowerCase ? lower : cased
    expect(tokenizer.encode(c.text)).toEqual(c.ids)
    expect(tokenizer.decode(c.ids)).toBe(c.decoded)
  })
})

describe('BertTokenizer', () => {
  it('has the Chinese vocabulary', () => {
    expect(lower).toMatchObject({ vocabSize: 21128, padId: 0, startId: 101, endId: 102, lowerCase: true })
    expect(cased.lowerCase).toBe(false)
  })

  it('cuts an over-long caption, keeps its [SEP] and counts it', () => {
    const batch = lower.encodeBatch(['一只狗', '一只狗在跑', ''], { contextLength: 5 })
    expect(batch.shape).toEqual([3, 5])
    expect([...batch.data]).toEqual([101, 671, 1372, 4318, 102, 101, 671, 1372, 4318, 102, 101, 102, 0, 0, 0])
    expect([...batch.lengths]).toEqual([5, 5, 2])
    expect(batch.truncated).toBe(1)
  })

  it('gives the same ids from its cache', () => {
    const first = lower.encode('unaffable 狗')
    expect(lower.encode('unaffable 狗')).toEqual(first)
  })

  it('decodes a framed row', () => {
    expect(lower.decode(row(lower, '一只狗 Playing!', 77))).toBe('[CLS] 一 只 狗 playing! [SEP]')
  })

  it('parts words at carriage returns and at ideographs of every block', () => {
    expect(lower.encode('a\rb')).toEqual(lower.encode('a b'))
    // U+F900 is decomposed to U+8C48.
    expect(lower.encode('a\uf900b')).toEqual(lower.encode('a \u8c48 b'))
    for (const ideograph of ['\u3400', '\u{20000}', '\u{2a700}', '\u{2b740}', '\u{2b920}', '\u{2f800}'])
      expect(lower.encode(`a${ideograph}b`), ideograph).toHaveLength(3)
  })

  it('decodes . , ! ? without a space before them', () => {
    expect(lower.decode(lower.encode('a . b , c ! d ? e ;'))).toBe('a. b, c! d? e ;')
  })

  it.each([21128, -1, 1.5, Number.NaN])('refuses to decode %s', (id) => {
    expect(() => lower.decode([671, id])).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('index 1') }),
    )
  })

  it('refuses what is not a string, and what is not a list', () => {
    expect(() => lower.encode(7 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('got 7') }),
    )
    expect(() => lower.decode('一' as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('BertTokenizer.load', () => {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  it('takes a vocabulary of its own, with either kind of line end', async () => {
    const pieces = [...special, 'un', '##aff', '##able', 'a']
    for (const end of ['\n', '\r\n']) {
      const tokenizer = await BertTokenizer.load({ vocab: write('vocab.txt', pieces.join(end) + end) })
      expect(tokenizer.vocabSize).toBe(9)
      expect(tokenizer.encode('Unaffable a b')).toEqual([5, 6, 7, 8, 1])
    }
  })

  it('takes the longest piece that fits, the later of two that are the same, and words up to 100 characters', async () => {
    const pieces = [...special, 'elephantine', 'e', '##l', '𐐨', '##𐐨', 'x.y', 'e']
    const tokenizer = await BertTokenizer.load({ vocab: write('long.txt', pieces.join('\n')) })
    expect(tokenizer.encode('elephantine el')).toEqual([5, 11, 7])
    // Characters of two UTF-16 units each.
    expect(tokenizer.encode('𐐨'.repeat(100))).toEqual([8, ...Array(99).fill(9)])
    expect(tokenizer.encode('𐐨'.repeat(101))).toEqual([1])
    expect(tokenizer.decode([11, 10])).toBe('e x.y')
  })

  it('knows the shipped vocabulary from one that goes on', async () => {
    const shipped = lower.pieces.join('\n')
    expect(await BertTokenizer.load({ vocab: write('same.txt', shipped) })).toMatchObject({ isShipped: true })
    for (const other of [
      `${shipped}\nmore`,
      shipped.slice(0, shipped.lastIndexOf('\n')),
      shipped.replace('\n一\n', '\n1x\n'),
    ])
      expect(await BertTokenizer.load({ vocab: write('other.txt', other) })).toMatchObject({ isShipped: false })
  })

  it('says what a vocabulary lacks', async () => {
    const vocab = write('short.txt', '[PAD]\n[UNK]\na\n')
    await expect(BertTokenizer.load({ vocab })).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/short\.txt.*no \[CLS\], \[SEP\], \[MASK\]/),
    })
  })

  it('says when there is none', async () => {
    await expect(BertTokenizer.load({ vocab: join(folder, 'none.txt') })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    })
  })

  it('refuses an unknown option and offers the nearest', async () => {
    await expect(BertTokenizer.load({ lowercase: true } as object)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('"lowerCase"?'),
    })
  })
})
