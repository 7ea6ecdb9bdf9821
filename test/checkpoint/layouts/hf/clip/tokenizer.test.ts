/** CLIP's tokenizer among the files of a folder: whether it is CLIP's. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readClipTokenizer, writeClipTokenizer } from '../../../../../lib/checkpoint/layouts/hf/clip/tokenizer.js'
import { fileWriter } from '../../../../../lib/checkpoint/layouts/hf/files.js'
import { ClipTokenizer } from '../../../../../lib/index.js'
import { rejection } from '../../../weights.js'

type Fast = { added_tokens: object[]; model: { type: string; merges: string[] } }

let folder: string
let original: string
let copy: string
const read = async (name: string) => JSON.parse(await readFile(join(original, name), 'utf8'))
const write = (name: string, value: unknown) => writeFile(join(copy, name), JSON.stringify(value))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-hf-tokenizer-'))
  original = join(folder, 'original')
  copy = join(folder, 'copy')
  await mkdir(original)
  const text = { vocabSize: 49408, contextLength: 77 } as never
  await writeClipTokenizer(await ClipTokenizer.load(), text, fileWriter(original))
})
beforeEach(async () => {
  await rm(copy, { recursive: true, force: true })
  await cp(original, copy, { recursive: true })
})
afterAll(() => rm(folder, { recursive: true }))

const CLIPS = { choice: { type: 'clip' }, contextLength: undefined }

describe("CLIP's tokenizer", () => {
  it('may lie in any of its files, and in none', async () => {
    const fast: Fast = await read('tokenizer.json')
    // As newer versions of tokenizers write merges.
    await write('tokenizer.json', {
      ...fast,
      model: { ...fast.model, merges: fast.model.merges.map((m) => m.split(' ')) },
    })
    for (const name of ['merges.txt', 'tokenizer.json', 'vocab.json', 'tokenizer_config.json']) {
      expect(await readClipTokenizer(copy)).toEqual(CLIPS)
      await rm(join(copy, name))
    }
    expect(await readClipTokenizer(copy)).toEqual(CLIPS)
  })

  it('takes the first of too many merges, and lines as Windows ends them', async () => {
    const lines = (await readFile(join(original, 'merges.txt'), 'utf8')).split('\n')
    await writeFile(join(copy, 'merges.txt'), [...lines.slice(0, -1), 'to day', ''].join('\r\n'))
    expect(await readClipTokenizer(copy)).toEqual(CLIPS)
    await writeFile(join(copy, 'merges.txt'), lines.slice(1).join('\n'))
    expect(await readClipTokenizer(copy)).toEqual(CLIPS)
  })

  it.each<[string, string, () => Promise<unknown>]>([
    ['vocab.json', 'has 49409 tokens', async () => ({ ...(await read('vocab.json')), '<cat>': 49408 })],
    ['vocab.json', 'the id 5 for "!"', async () => ({ ...(await read('vocab.json')), '!': 5 })],
    ['tokenizer_config.json', 'of class "BertTokenizer"', async () => ({ tokenizer_class: 'BertTokenizer' })],
  ])('is no other: %s %s', async (name, message, changed) => {
    await write(name, await changed())
    await expect(readClipTokenizer(copy)).rejects.toThrow(
      rejection('ERR_UNSUPPORTED', new RegExp(`${name} .*${message}`)),
    )
  })

  it.each<[string, (fast: Fast) => object]>([
    ['of another kind', (fast) => withModel(fast, { type: 'WordPiece' })],
    ['of other merges', (fast) => withModel(fast, { merges: [] })],
    ['of other ids', (fast) => withModel(fast, { vocab: [] })],
    ['with a token of its own', (fast) => withTokens(fast, '<cat>', 49408)],
    ['with another end', (fast) => withTokens(fast, '<|endoftext|>', 7)],
  ])("gives way to the model's own tokenizer.json %s", async (_, change) => {
    await write('tokenizer.json', change(await read('tokenizer.json')))
    await write('config.json', { text_config: { vocab_size: 600, pad_token_id: 5 } })
    expect((await readClipTokenizer(copy)).choice).toMatchObject({ type: 'json', padId: 5, vocabSize: 600 })
  })

  it.each([
    ['a merge is missing', 7, (lines: string[]) => lines.toSpliced(7, 1)],
    ['they end too early', 48894, (lines: string[]) => lines.slice(0, -2)],
  ])('has other merges: %s', async (_, place, change) => {
    const lines = (await readFile(join(original, 'merges.txt'), 'utf8')).split('\n')
    await writeFile(join(copy, 'merges.txt'), change(lines).join('\n'))
    const refusal = rejection('ERR_UNSUPPORTED', `another merge in place ${place}`)
    await expect(readClipTokenizer(copy)).rejects.toThrow(refusal)
  })

  it.each([
    ['vocab.json', '[]'],
    ['vocab.json', '{"a": "b"}'],
    ['vocab.json', '{'],
    ['tokenizer.json', '{}'],
    ['tokenizer_config.json', '3'],
  ])('is none where a file is not as it should be: %s %s', async (name, content) => {
    await writeFile(join(copy, name), content)
    await expect(readClipTokenizer(copy)).rejects.toThrow(rejection('ERR_FORMAT', name))
  })
})

const withModel = (fast: Fast, change: object) => ({ ...fast, model: { ...fast.model, ...change } })
const withTokens = (fast: Fast, content: string, id: number) => ({
  ...fast,
  added_tokens: [...fast.added_tokens, { id, content }],
})
