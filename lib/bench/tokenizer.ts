/** How fast this machine tokenizes. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { BertTokenizer } from '../tokenizer/bert-tokenizer.js'
import { ClipTokenizer } from '../tokenizer/clip-tokenizer.js'
import { sampleTexts } from './sample-texts.js'

/** What is measured. */
export type BenchTokenizerOptions = {
  /** 'clip' by default. */
  tokenizer?: 'clip' | 'bert'
  /** Made up by default: English for 'clip', Chinese for 'bert'. */
  texts?: readonly string[]
  /** How many are made up; 100,000 by default. */
  count?: number
  /** Ids each, padding included; 77 for 'clip' and 52 for 'bert' by default. */
  contextLength?: number
  /** Passes over all texts, after one that warms up; 5 by default. */
  runs?: number
}

/** How many texts a second of one processor's time became ids. */
export type BenchTokenizerResult = {
  /** By the processor's time of the fastest pass: tokenizing has one thread. */
  textsPerSecond: number
  /** By that of the slowest pass. */
  slowestPerSecond: number
  /** Ids of a text, padding left out; a mean. */
  tokensPerText: number
  texts: number
}

const USUAL = { clip: { contextLength: 77, language: 'en' }, bert: { contextLength: 52, language: 'zh' } } as const

const count = z.int().min(1)
const schema = z.strictObject({
  tokenizer: z.enum(['clip', 'bert']).default('clip'),
  texts: z.array(z.string()).min(1).optional(),
  count: count.default(100_000),
  contextLength: count.optional(),
  runs: count.default(5),
})

/**
 * Texts to padded ids, cleaning included.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export async function benchTokenizer(options: BenchTokenizerOptions = {}): Promise<BenchTokenizerResult> {
  const o = parseOptions(schema, options, 'benchTokenizer')
  const { contextLength, language } = USUAL[o.tokenizer]
  const texts = o.texts ?? sampleTexts(language, o.count)
  const tokenizer = await (o.tokenizer === 'clip' ? ClipTokenizer.load() : BertTokenizer.load())
  const how = { contextLength: o.contextLength ?? contextLength }
  const { lengths } = tokenizer.encodeBatch(texts, how) // fills caches, warms up the compiler
  const rates = Array.from({ length: o.runs }, () => {
    const began = process.cpuUsage()
    tokenizer.encodeBatch(texts, how)
    const { user, system } = process.cpuUsage(began)
    return texts.length / ((user + system) / 1e6)
  })
  return {
    textsPerSecond: Math.max(...rates),
    slowestPerSecond: Math.min(...rates),
    tokensPerText: lengths.reduce((sum, n) => sum + n, 0) / texts.length,
    texts: texts.length,
  }
}
