/** From tokens back to text (`decoder`), each as Hugging Face's tokenizers does it. */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { BYTE_OF_SYMBOL } from '../byte-alphabet.js'
import { make, makeAll, type Row, settingsOf } from './component.js'
import { compile, patternSchema, type TokenizersJs } from './patterns.js'

type Step = (tokens: string[]) => string[]

/** @returns what makes a text of tokens. @throws ClipwrightError ERR_FORMAT */
export function makeDecoder(value: unknown, where: string, library: TokenizersJs): (tokens: string[]) => string {
  if (value === null || value === undefined) return (tokens) => tokens.join(' ')
  const step = make(tableOf(library), value, { where, key: 'decoder' })
  return (tokens) => step(tokens).join('')
}

const replace = z.looseObject({ pattern: patternSchema, content: z.string() })
const metaspace = z.looseObject({
  replacement: z.string().default('\u2581'),
  prepend_scheme: z.string().optional(),
  add_prefix_space: z.boolean().default(true),
})
const strip = z.looseObject({ content: z.string(), start: z.int().min(0), stop: z.int().min(0) })
const wordPiece = z.looseObject({ prefix: z.string().default('##'), cleanup: z.boolean().default(true) })

function tableOf(library: TokenizersJs): Readonly<Record<string, Row<Step>>> {
  const table: Record<string, Row<Step>> = {
    BPEDecoder(settings, place) {
      const { suffix } = settingsOf(z.looseObject({ suffix: z.string().default('</w>') }), settings, place)
      return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '))
    },
    ByteFallback: () => joinBytes,
    ByteLevel: () => (tokens) => [Buffer.concat(tokens.map(bytesOf)).toString('utf8')],
    Fuse: () => (tokens) => [tokens.join('')],
    Metaspace(settings, place) {
      const { replacement, prepend_scheme, add_prefix_space } = settingsOf(metaspace, settings, place)
      const never = prepend_scheme === undefined ? !add_prefix_space : prepend_scheme === 'never'
      return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && !never ? '' : ' '))
    },
    Replace(settings, place) {
      const { pattern, content } = settingsOf(replace, settings, place)
      const expression = compile(pattern, place, library)
      return (tokens) => tokens.map((token) => token.replace(expression, () => content))
    },
    Sequence(settings, place) {
      const steps = makeAll(table, settings.decoders, place)
      return (tokens) => steps.reduce((so, step) => step(so), tokens)
    },
    Strip(settings, place) {
      const { content, start, stop } = settingsOf(strip, settings, place)
      return (tokens) => tokens.map((token) => stripped(Array.from(token), content, start, stop))
    },
    WordPiece(settings, place) {
      const { prefix, cleanup } = settingsOf(wordPiece, settings, place)
      return (tokens) => tokens.map((token, i) => spaced(token, i, prefix)).map(cleanup ? tidy : (token) => token)
    },
  }
  return table
}

function bytesOf(token: string): Uint8Array {
  const bytes = Array.from(token, (symbol) => BYTE_OF_SYMBOL.get(symbol))
  return bytes.includes(undefined) ? Buffer.from(token) : Uint8Array.from(bytes as number[])
}

/** Bytes one behind the other are a text, or as many signs that they are none. */
function joinBytes(tokens: string[]): string[] {
  const texts: string[] = []
  let bytes: number[] = []
  const flush = () => {
    if (bytes.length === 0) return
    const buffer = Buffer.from(bytes)
    texts.push(isUtf8(buffer) ? buffer.toString('utf8') : '\ufffd'.repeat(bytes.length))
    bytes = []
  }
  for (const token of tokens) {
    const byte = /^<0x([0-9a-fA-F]{2})>$/.exec(token)
    if (byte) bytes.push(Number.parseInt(byte[1]!, 16))
    else {
      flush()
      texts.push(token)
    }
  }
  flush()
  return texts
}

function stripped(characters: string[], content: string, start: number, stop: number): string {
  let from = 0
  while (from < Math.min(start, characters.length) && characters[from] === content) from++
  let to = characters.length
  while (characters.length - to < stop && to > 0 && characters[to - 1] === content) to--
  return characters.slice(from, to).join('')
}

function spaced(token: string, i: number, prefix: string): string {
  if (i === 0) return token
  return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`
}

const TIDY = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const

const tidy = (token: string) => TIDY.reduce((text, [odd, usual]) => text.replaceAll(odd, usual), token)
