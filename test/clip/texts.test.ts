import { describe, expect, it } from 'vitest'
import type { Tokens } from '../../lib/base/types.js'
import { packTokens, textSource } from '../../lib/clip/texts.js'
import type { NativeCausal } from '../../lib/native/model.js'
import { BertTokenizer } from '../../lib/tokenizer/bert-tokenizer.js'
import { ClipTokenizer } from '../../lib/tokenizer/clip-tokenizer.js'

const causal: NativeCausal = {
  mask: true,
  projection: 'linear',
  projectionBias: false,
  pool: 'argmax',
  eosId: 2,
  padId: 0,
}
const tower = {
  kind: 'causal',
  contextLength: 6,
  vocabSize: 10,
  width: 8,
  layers: 1,
  heads: 1,
  mlpWidth: 32,
  activation: 'gelu',
  layerNormEps: 1e-5,
} as const

type Given = { lengths?: number[]; full?: boolean; options?: Partial<NativeCausal> }

function pack(rows: number[][], { lengths, full = false, options }: Given = {}) {
  const tokens: Tokens = {
    shape: [rows.length, rows[0]!.length],
    data: Int32Array.from(rows.flat()),
    ...(lengths && { lengths: Int32Array.from(lengths) }),
  }
  const { ids, offsets, pool } = packTokens(
    tokens,
    { ...tower, causal: { ...causal, ...options } },
    full,
    't',
    options?.padId ?? 0,
  )
  return { ids: [...ids], offsets: [...offsets], pool: [...pool] }
}

describe('packTokens', () => {
  it('keeps each row up to its largest id and pools there', () => {
    const rows = [
      [8, 1, 9, 0, 0],
      [8, 9, 0, 0, 0],
      [8, 1, 2, 3, 9],
    ]
    const packed = { ids: [8, 1, 9, 8, 9, 8, 1, 2, 3, 9], offsets: [0, 3, 5, 10], pool: [2, 4, 9] }
    expect(pack(rows)).toEqual(packed)
    expect(pack(rows, { lengths: [3, 2, 5] })).toEqual(packed)
  })

  it('takes the first of several largest ids, as argmax does, whatever the lengths say', () => {
    expect(pack([[8, 9, 3, 9, 0]], { lengths: [4] })).toEqual({ ids: [8, 9], offsets: [0, 2], pool: [1] })
  })

  it('does not look beyond the lengths', () => {
    expect(pack([[8, 7, 9, 0, 0]], { lengths: [2] })).toEqual({ ids: [8], offsets: [0, 1], pool: [0] })
  })

  it('keeps one position of a row of zeros', () => {
    expect(pack([[0, 0, 0]])).toEqual({ ids: [0], offsets: [0, 1], pool: [0] })
  })

  const rows = [
    [8, 1, 9, 2, 0],
    [8, 2, 5, 2, 0],
    [8, 1, 1, 1, 1],
  ]

  it('pools the first end token, or the first row where there is none, where a model says so', () => {
    expect(pack(rows, { options: { pool: 'eos' } })).toEqual({
      ids: [8, 1, 9, 2, 8, 2, 8],
      offsets: [0, 4, 6, 7],
      pool: [3, 5, 6],
    })
    expect(pack(rows, { options: { pool: 'first' } })).toEqual({
      ids: [8, 8, 8],
      offsets: [0, 1, 2, 3],
      pool: [0, 1, 2],
    })
  })

  it.each<[string, Partial<NativeCausal>, number[]]>([
    ['that is pooled', { pool: 'last' }, [5, 11, 17]],
    ['without a mask', { mask: false }, [2, 6, 12]],
    ['without a mask, at the end token', { mask: false, pool: 'eos' }, [3, 7, 12]],
    ['without a mask, at the first token', { mask: false, pool: 'first' }, [0, 6, 12]],
  ])('pads captions to the whole context for a tower that sees it: %s', (_, options, pool) => {
    const offsets = [0, 6, 12, 18]
    const ids = [8, 1, 9, 2, 0, 0, 8, 2, 5, 2, 0, 0, 8, 1, 1, 1, 1, 0]
    expect(pack(rows, { options })).toEqual({ ids, offsets, pool })
    const padded = [8, 1, 9, 7, 7, 7, 8, 2, 5, 2, 7, 7, 8, 7, 7, 7, 7, 7]
    const { ids: own } = pack(rows, { options: { ...options, padId: 7 }, lengths: [3, 4, 1] })
    expect(own).toEqual(padded)
  })

  it('fills the context on demand and pools at the same place', () => {
    expect(
      pack(
        [
          [8, 1, 9, 0],
          [8, 9, 0, 0],
        ],
        { full: true },
      ),
    ).toEqual({ ids: [8, 1, 9, 0, 0, 0, 8, 9, 0, 0, 0, 0], offsets: [0, 6, 12], pool: [2, 7] })
  })
})

const bert = {
  positions: 6,
  firstPosition: 0,
  tokenTypes: 2,
  pooler: 'cls',
  lnFinal: false,
  projection: { kind: 'linear', inputMajor: true, init: 'normal' },
  initStd: 0.02,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  padId: 0,
} as const

describe('packTokens for a BERT-like tower', () => {
  const rows = (list: number[][], lengths?: number[], padId = 0) => {
    const tokens: Tokens = { shape: [list.length, list[0]!.length], data: Int32Array.from(list.flat()) }
    if (lengths) tokens.lengths = Int32Array.from(lengths)
    const { ids, offsets, pool } = packTokens(tokens, { ...tower, bert: { ...bert, padId } }, false, 't', padId)
    return { ids: [...ids], offsets: [...offsets], pool: [...pool] }
  }

  it('drops the padding and pools the first row', () => {
    const packed = { ids: [8, 9, 1, 8, 1], offsets: [0, 3, 5], pool: [0, 3] }
    expect(
      rows([
        [8, 9, 1, 0, 0],
        [8, 1, 0, 0, 0],
      ]),
    ).toEqual(packed)
    expect(
      rows(
        [
          [8, 9, 1, 1, 1],
          [8, 0, 1, 1, 1],
        ],
        undefined,
        1,
      ).ids,
    ).toEqual([8, 9, 8, 0])
  })

  it('takes lengths at their word', () => {
    expect(rows([[8, 0, 1, 0, 0]], [4])).toEqual({ ids: [8, 0, 1, 0], offsets: [0, 4], pool: [0] })
  })

  it.each([
    [
      'row 1 is nothing but padding (id 0)',
      [
        [8, 1],
        [0, 0],
      ],
    ],
    ['row 0 has padding (id 0) at position 1, before its end; pass lengths', [[8, 0, 1]]],
    ['expected ids from 0 to 9, got 10 at row 0, position 1', [[8, 10, 1]]],
  ])('refuses: %s', (message, list) => {
    expect(() => rows(list)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })

  it('has no full context, whose padding it would see', () => {
    const tokens: Tokens = { shape: [1, 2], data: Int32Array.of(8, 0) }
    expect(() => packTokens(tokens, { ...tower, bert }, true, 't', 0)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('fullContext') }),
    )
  })
})

describe('strings', () => {
  const texts = [
    'a dog',
    '',
    'a photo of a dog '.repeat(9),
    'one <end_of_text> more of it',
    '<start_of_text> <end_of_text>',
    '一只狗在草地上奔跑 [SEP] 猫',
    '[PAD]',
    'x'.repeat(300),
  ]
  const clip = { ...tower, causal, contextLength: 16, vocabSize: 49408 }

  it.each([
    ['causal', () => ClipTokenizer.load(), clip, false],
    ['causal, with its whole context', () => ClipTokenizer.load(), clip, true],
    [
      'BERT-like',
      () => BertTokenizer.load(),
      { ...tower, contextLength: 16, vocabSize: 21128, bert: { ...bert, positions: 16 } },
      false,
    ],
  ] as const)('are packed as their padded rows are: %s', async (_, load, target, full) => {
    const tokenizer = await load()
    const padded = tokenizer.encodeBatch(texts, { contextLength: 16 })
    expect(padded.truncated).toBeGreaterThan(0)
    const { shape, data, lengths } = padded
    const expected = packTokens({ shape, data, lengths }, target, full, 't', tokenizer.padId)
    const source = textSource(texts, tokenizer, target, full, 't')
    expect(source.read(0, texts.length)).toEqual(expected)
    const packed = tokenizer.encodePacked(texts, { contextLength: 16 })
    expect(packed.truncated).toBe(padded.truncated)
    const inside = textSource(packed, tokenizer, target, full, 't')
    expect(inside.count).toBe(texts.length)
    expect(inside.read(0, texts.length)).toEqual(expected)
    expect(inside.read(2, 5)).toEqual(source.read(2, 5))
  })

  it('never become a table of rows on their way', async () => {
    const tokenizer = await ClipTokenizer.load()
    const few = { ...clip, contextLength: 10_000 }
    const { ids } = textSource(Array(100).fill('a dog'), tokenizer, few, false, 't').read(0, 100)
    expect(ids).toHaveLength(400)
    expect(ids.buffer.byteLength).toBeLessThan(100 * 100 * 4)
  })

  it('with ids that the model has not are named by row and place', async () => {
    const tokenizer = await ClipTokenizer.load()
    const packed = tokenizer.encodePacked(['a dog', 'dog'], { contextLength: 16 })
    expect(() => textSource(packed, tokenizer, { ...clip, vocabSize: 5 }, false, 't')).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('at row 0, position 0'),
      }),
    )
  })
})
