// What clipwright makes of the strings and tokenizers of write_tokenizers.py is what Hugging Face's tokenizers, transformers and
// open_clip made of them: ids, texts of ids, rows that are cut and padded. Run: node test/peers/read-tokenizers.mjs FOLDER
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalizeText, cleaner } from '../../dist/tokenizer/cleaning.js'
import { readTokenizerFiles } from '../../dist/tokenizer/json/beside.js'
import { JsonTokenizer } from '../../dist/tokenizer/json/json-tokenizer.js'

const folder = process.argv[2]
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const strings = read('strings.json')
const some = strings.filter((_, i) => i % 4 === 0)
const LENGTH = 16

const { canonicalize_text, ...cleaned } = read('cleaned.json')
for (const [name, wanted] of Object.entries(cleaned))
  equal(strings.map(cleaner(name)), wanted, `clean ${name}`, strings)
equal(strings.map(canonicalizeText), canonicalize_text, 'canonicalize_text', strings)

const manners = {
  padded: { clean: 'none', stripSeparator: false },
  canonicalize: { clean: 'canonicalize', stripSeparator: false },
  stripped: { clean: 'whitespace', stripSeparator: true },
}
for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const files = await readTokenizerFiles(join(folder, name))
  const { ids, texts, ...rows } = read(`${name}/expected.json`)
  const plain = await JsonTokenizer.of(files, manners.padded)
  equal(
    strings.map((text) => plain.encode(text)),
    ids,
    `${name}: ids`,
    strings,
  )
  equal(
    ids.map((row) => plain.decode(row)),
    texts,
    `${name}: texts of ids`,
    strings,
  )
  for (const [kind, wanted] of Object.entries(rows)) {
    const tokenizer = await JsonTokenizer.of(files, manners[kind])
    const { data } = tokenizer.encodeBatch(some, { contextLength: LENGTH })
    equal(
      some.map((_, i) => [...data.subarray(i * LENGTH, (i + 1) * LENGTH)]),
      wanted,
      `${name}: rows ${kind}`,
      some,
    )
  }
  console.log(`${name}: ${strings.length} strings, ${Object.keys(rows).join(', ')}`)
}

function equal(found, wanted, what, of) {
  assert.equal(found.length, wanted.length, what)
  for (const [i, value] of found.entries())
    assert.deepEqual(value, wanted[i], `${what} of ${JSON.stringify(of[i].slice(0, 200))}`)
}
