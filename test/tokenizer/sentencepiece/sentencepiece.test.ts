/** Against what SentencePiece makes: `test/peers/write_sentencepiece.py test/goldens/sentencepiece 60`. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readTokenizerFiles, tokenizerFilesAmong } from '../../../lib/tokenizer/json/beside.js'
import { JsonTokenizer } from '../../../lib/tokenizer/json/json-tokenizer.js'
import { parseSentencePiece } from '../../../lib/tokenizer/sentencepiece/model-proto.js'
import { rejection } from '../../checkpoint/weights.js'
import { temporaryFolder } from '../../train/pictures.js'

const GOLDENS = fileURLToPath(new URL('../../goldens/sentencepiece', import.meta.url))
const read = (...name: string[]) => JSON.parse(readFileSync(join(GOLDENS, ...name), 'utf8'))
const strings: string[] = read('strings.json')
const MANNER = { clean: 'none', stripSeparator: false } as const
const FILES = { 'xlm-roberta': 'sentencepiece.bpe.model', gemma: 'tokenizer.model' } as const
const names = Object.keys(FILES) as (keyof typeof FILES)[]
const folder = temporaryFolder()

describe.each(names)("a folder with %s's model alone", (name) => {
  const { ids, framed, pad, odd } = read(name, 'expected.json')

  it('gives the ids that SentencePiece gives, and the frame of its class', async () => {
    const tokenizer = await JsonTokenizer.of((await readTokenizerFiles(join(GOLDENS, name)))!, MANNER)
    const kept = strings.map((_, i) => i).filter((i) => !odd.includes(i))
    expect(kept.length).toBeGreaterThan(0.9 * strings.length)
    expect(kept.map((i) => tokenizer.encode(strings[i]!))).toEqual(kept.map((i) => ids[i]))
    const { start, end } = tokenizer.framing
    expect([...start, ...tokenizer.encode('a photo of a dog'), ...end]).toEqual(framed)
    expect(tokenizer.padId).toBe(pad)
    expect(tokenizer.decode(tokenizer.encode('a photo of a dog'))).toBe('a photo of a dog')
  })

  it('is known by its file', () => {
    const there = new Set([FILES[name], 'tokenizer_config.json', 'config.json'])
    expect(tokenizerFilesAmong(there)).toEqual([FILES[name], 'tokenizer_config.json'])
  })

  it('is no model when any byte is cut off', () => {
    const bytes = readFileSync(join(GOLDENS, name, FILES[name]))
    for (let end = 0; end < bytes.length; end += 97) {
      // What ends between two fields is a model of fewer pieces, or without what prepares texts.
      try {
        parseSentencePiece(bytes.subarray(0, end), 'x')
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_FORMAT' })
      }
    }
    expect(() => parseSentencePiece(bytes.subarray(0, 5), 'x')).toThrow(
      rejection('ERR_FORMAT', 'not a model of SentencePiece'),
    )
    expect(() => parseSentencePiece(new Uint8Array(), 'x')).toThrow(rejection('ERR_FORMAT', 'no pieces'))
  })
})

describe('a model is refused', () => {
  const copied = (className: string) => {
    copyFileSync(join(GOLDENS, 'gemma', FILES.gemma), join(folder, FILES.gemma))
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: className }))
  }

  it('of a class whose ids are not known, or whose tokens it has not', async () => {
    copied('CamembertTokenizer')
    await expect(readTokenizerFiles(folder)).rejects.toThrow(rejection('ERR_UNSUPPORTED', '"CamembertTokenizer"'))
    copied('XLMRobertaTokenizerFast')
    await expect(readTokenizerFiles(folder)).rejects.toThrow(rejection('ERR_FORMAT', 'another tokenizer'))
  })

  const field = (number: number, bytes: number[]) => [8 * number + 2, bytes.length, ...bytes]
  const piece = (...more: number[]) => field(1, [...field(1, [0x61]), ...more])
  it.each<[string, number[]]>([
    ['no text', field(1, field(1, [0xff]))],
    ['the type of the piece 0 is 9', piece(0x18, 9)],
    ['score NaN', piece(0x15, 0, 0, 0xc0, 0x7f)],
    ['a number where a message', [0x10, 1, ...piece()]],
    ['unknown type 3', [0x0b]],
    ['has no end', [...piece(), 0x20, ...Array<number>(10).fill(0x80)]],
    ['kind of model is 7', [...piece(), ...field(2, [0x18, 7])]],
  ])('whose bytes are not as they should be: %s', (message, bytes) => {
    expect(() => parseSentencePiece(Uint8Array.from(bytes), 'x')).toThrow(rejection('ERR_FORMAT', message))
  })

  it.each<[string, number[]]>([
    ['of the kind "char"', [0x18, 4]],
    ['with spaces behind words', [0xc0, 0x01, 1]],
  ])('that texts cannot be made of: %s', async (message, trainer) => {
    writeFileSync(join(folder, FILES.gemma), Uint8Array.from([...piece(), ...field(2, trainer)]))
    writeFileSync(join(folder, 'tokenizer_config.json'), '{}')
    await expect(readTokenizerFiles(folder)).rejects.toThrow(rejection('ERR_FORMAT', message))
  })
})
