// What clipwright makes of the strings and SentencePiece models of write_sentencepiece.py is what SentencePiece makes of them; frames and
// padding are those of transformers' classes. Run: node test/peers/read-sentencepiece.mjs FOLDER
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTokenizerFiles } from '../../dist/tokenizer/json/beside.js'
import { JsonTokenizer } from '../../dist/tokenizer/json/json-tokenizer.js'

const folder = process.argv[2]
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const strings = read('strings.json')
const MANNER = { clean: 'none', stripSeparator: false }

for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const { ids, framed, pad, odd } = read(`${name}/expected.json`)
  const tokenizer = await JsonTokenizer.of(await readTokenizerFiles(join(folder, name)), MANNER)
  // Whose marks Hugging Face's tokenizers, which we follow, replace together with what bears them.
  assert.ok(odd.length < strings.length / 20, `${name}: ${odd.length} strings are other texts to SentencePiece`)
  for (const [i, text] of strings.entries()) {
    if (!odd.includes(i)) assert.deepEqual(tokenizer.encode(text), ids[i], `${name}: ids of ${JSON.stringify(text)}`)
  }
  if (framed) {
    const { start, end } = tokenizer.framing
    assert.deepEqual([...start, ...tokenizer.encode('a photo of a dog'), ...end], framed, `${name}: frame`)
    assert.equal(tokenizer.padId, pad, `${name}: padding`)
  }
  console.log(`${name}: ${strings.length - odd.length} strings`)
}
