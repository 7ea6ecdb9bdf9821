/** Against what Hugging Face's tokenizers, transformers and open_clip make: `test/peers/write_tokenizers.py test/goldens/tokenizer-json 80`. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { canonicalizeText, cleaner } from '../../../lib/tokenizer/cleaning.js'
import { readTokenizerFiles } from '../../../lib/tokenizer/json/beside.js'
import { JsonTokenizer, type TextManner } from '../../../lib/tokenizer/json/json-tokenizer.js'

const GOLDENS = new URL('../../goldens/tokenizer-json/', import.meta.url)
const read = (name: string) => JSON.parse(readFileSync(new URL(name, GOLDENS), 'utf8'))
const strings: string[] = read('strings.json')
const LENGTH = 16

const plain: TextManner = { clean: 'none', stripSeparator: false }
const manners: Record<string, TextManner> = {
  padded: plain,
  canonicalize: { clean: 'canonicalize', stripSeparator: false },
  stripped: { clean: 'whitespace', stripSeparator: true },
}
const made = async (name: string, manner = plain) =>
  JsonTokenizer.of((await readTokenizerFiles(fileURLToPath(new URL(name, GOLDENS))))!, manner)

const names = readdirSync(GOLDENS, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []))

describe.each(names)('a tokenizer.json of the kind %s', (name) => {
  const { ids, texts, ...rows } = read(`${name}/expected.json`) as Record<string, number[][]> & { texts: string[] }

  it('gives the ids that Python gives, and their text', async () => {
    const tokenizer = await made(name)
    expect(strings.map((text) => tokenizer.encode(text))).toEqual(ids)
    expect(ids!.map((row) => tokenizer.decode(row))).toEqual(texts)
  })

  it.each(Object.keys(rows))('gives rows as transformers and open_clip do: %s', async (kind) => {
    const tokenizer = await made(name, manners[kind])
    const { data, lengths, truncated } = tokenizer.encodeBatch(strings, { contextLength: LENGTH })
    expect(strings.map((_, i) => [...data.subarray(i * LENGTH, (i + 1) * LENGTH)])).toEqual(rows[kind])
    const { start, end } = tokenizer.framing
    const whole = strings.map((text) => tokenizer.encode(text).length + start.length + end.length)
    expect([...lengths]).toEqual(whole.map((length) => Math.min(length, LENGTH)))
    expect(truncated).toBe(whole.filter((length) => length > LENGTH).length)
  })
})

it("cleans texts as open_clip's functions do", () => {
  const { canonicalize_text, ...cleaned } = read('cleaned.json')
  expect(strings.map(canonicalizeText)).toEqual(canonicalize_text)
  for (const [name, wanted] of Object.entries(cleaned)) expect(strings.map(cleaner(name as 'lower'))).toEqual(wanted)
})

describe('a tokenizer', () => {
  it('has no room for its frame', async () => {
    const tokenizer = await made('xlm-roberta')
    expect([...tokenizer.encodeBatch(['a dog'], { contextLength: 2 }).data]).toEqual([0, 2])
    const files = { ...tokenizer.files, config: { text: '{"pad_token":"<pad>"}', where: 'c' } }
    const json = JSON.parse(files.tokenizer.text)
    json.post_processor.single.push(json.post_processor.single.at(-1))
    const longer = await JsonTokenizer.of({ ...files, tokenizer: { text: JSON.stringify(json), where: 't' } }, plain)
    expect(() => longer.encodeBatch(['a'], { contextLength: 2 })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('no room for the 3 ids'),
      }),
    )
  })

  it('has its frame from tokenizer_config.json where that says something of it', async () => {
    const { files } = await made('gemma')
    const said = {
      pad_token: { content: '<pad>' },
      bos_token: '<s>',
      eos_token: '</s>',
      add_bos_token: false,
      add_eos_token: true,
    }
    const config = { text: JSON.stringify(said), where: 'tokenizer_config.json' }
    const tokenizer = await JsonTokenizer.of({ ...files, config }, plain)
    expect(tokenizer.framing).toEqual({ start: [], end: [2] })
    expect(tokenizer.padId).toBe(1)
  })

  it("of Siglip2Tokenizer's class is of lower case, as transformers makes it", async () => {
    const { files } = await made('gemma')
    const config = { text: '{"pad_token":"<pad>","tokenizer_class":"Siglip2Tokenizer"}', where: 'c' }
    const tokenizer = await JsonTokenizer.of({ ...files, config }, plain)
    expect(tokenizer.encode('A DOG')).toEqual(tokenizer.encode('a dog'))
    expect((await made('gemma')).encode('A DOG')).not.toEqual(tokenizer.encode('a dog'))
  })
})

describe('bad files are refused', () => {
  const tiny = { model: { type: 'WordLevel', unk_token: 'x', vocab: { x: 0, p: 1 } } }
  const of = (json: object | string, config: object | string = { pad_token: 'p' }) => {
    const text = (value: object | string) => (typeof value === 'string' ? value : JSON.stringify(value))
    const file = (value: object | string, where: string) => ({ text: text(value), where })
    return JsonTokenizer.of({ tokenizer: file(json, 'tokenizer.json'), config: file(config, 'config') }, plain)
  }
  const deep = (levels: number): object =>
    levels === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [deep(levels - 1)] }

  it.each([
    ['is not JSON', '{"model": {"type": "BPE", "vocab": {'],
    ['expected', '[]'],
    ['"normalizer": the component "Reverse" is not known', { ...tiny, normalizer: { type: 'Reverse' } }],
    [
      '"pre_tokenizer Sequence": the component "UnicodeScripts"',
      { ...tiny, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'UnicodeScripts' }] } },
    ],
    ['"post_processor": the component "Other"', { ...tiny, post_processor: { type: 'Other' } }],
    ['"decoder": the component "CTC"', { ...tiny, decoder: { type: 'CTC' } }],
    ['"decoder": the component "__proto__"', { ...tiny, decoder: { type: '__proto__' } }],
    [
      'the regular expression "(?<=a|\\\\Kb)" is not known',
      {
        ...tiny,
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(?<=a|\\Kb)' }, behavior: 'Isolated', invert: false },
      },
    ],
    [
      'the regular expression "(a" is not known',
      { ...tiny, normalizer: { type: 'Replace', pattern: { Regex: '(a' }, content: '' } },
    ],
    ['behavior', { ...tiny, pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'Sideways' } }],
    ['too deep', { ...tiny, normalizer: deep(100) }],
    [
      'precompiled_charsmap is cut off',
      { ...tiny, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAEAAA==' } },
    ],
    ['the model "Quantum" is not known', { model: { type: 'Quantum' } }],
    ['expected a model', {}],
    ['has the id -1', { model: { ...tiny.model, vocab: { x: -1 } } }],
    ['has the id 1000000000', { model: { ...tiny.model, vocab: { x: 1e9 } } }],
    ['vocab.1: expected a piece', { model: { type: 'Unigram', unk_id: 0, vocab: [['p', 0], ['b']] } }],
    ['unk_id: 5', { model: { type: 'Unigram', unk_id: 5, vocab: [['p', 0]] } }],
    ['merges.0: the token "ab"', { model: { type: 'BPE', vocab: { p: 0, a: 1, b: 2 }, merges: ['a b'] } }],
    ['merges.0: expected two', { model: { type: 'BPE', vocab: { p: 0 }, merges: [['a', 3]] } }],
    ['drawn at random', { model: { type: 'BPE', vocab: { p: 0 }, merges: [], dropout: 0.1 } }],
    ['unk_token: "u" is not', { model: { type: 'BPE', vocab: { p: 0 }, merges: [], unk_token: 'u' } }],
    [
      'expected one Sequence',
      { ...tiny, post_processor: { type: 'TemplateProcessing', single: [], special_tokens: {} } },
    ],
    [
      'the token "</s>" is not among',
      {
        ...tiny,
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: '</s>' } }],
          special_tokens: {},
        },
      },
    ],
    ['"added_tokens', { ...tiny, added_tokens: [{ id: 'x', content: 'y' }] }],
  ] as [string, object | string][])('%s', async (message, json) => {
    await expect(of(json)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    ['names no pad_token', {}],
    ['"pad_token": "q" is not in the vocabulary', { pad_token: 'q' }],
    ['"pad_token": expected a token', { pad_token: 3 }],
    ['is not JSON', '{'],
  ] as [string, object | string][])('beside it: %s', async (message, config) => {
    await expect(of(tiny, config)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(message) }),
    )
  })

  it('characters without an id, where none stands for them', async () => {
    const tokenizer = await of({ model: { type: 'Unigram', unk_id: null, vocab: [['p', 0]] } })
    expect(tokenizer.encode('pp')).toEqual([0, 0])
    expect(() => tokenizer.encode('pq')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
