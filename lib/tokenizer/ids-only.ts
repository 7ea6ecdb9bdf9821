/** Stands in for a tokenizer whose files are not there: everything but its numbers throws. */
import { ClipwrightError } from '../base/errors.js'
import type { TextManner } from './json/json-tokenizer.js'
import type { PackedTexts, TokenBatch, Tokenizer } from './tokenizer.js'

export class IdsOnly implements Tokenizer {
  readonly padId: number
  readonly vocabSize: number
  readonly framing = { start: [], end: [] }
  readonly name: string | undefined
  readonly manner: TextManner

  constructor(o: { padId: number; vocabSize: number; name?: string; manner: TextManner }) {
    this.padId = o.padId
    this.vocabSize = o.vocabSize
    this.name = o.name
    this.manner = o.manner
  }

  encode(): number[] {
    throw this.#lacking()
  }

  encodeBatch(): TokenBatch {
    throw this.#lacking()
  }

  encodePacked(): PackedTexts {
    throw this.#lacking()
  }

  decode(): string {
    throw this.#lacking()
  }

  #lacking(): ClipwrightError {
    const which = this.name ? `the tokenizer "${this.name}"` : "a tokenizer of Hugging Face's"
    const from = this.name
      ? `transformers' AutoTokenizer.from_pretrained("${this.name}")`
      : "transformers' AutoTokenizer"
    const message = `This model's texts go through ${which}, whose tokenizer.json does not lie beside the weights; put it there (${from} writes it by save_pretrained), or pass Tokens.`
    return new ClipwrightError('ERR_UNSUPPORTED', message)
  }
}
