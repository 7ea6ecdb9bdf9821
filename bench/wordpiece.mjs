// Chinese captions a second through BertTokenizer on one core: node bench/wordpiece.mjs (after npm run build).
// Captions of 20 characters are cut from running text: names and tags of emoji in random order, with punctuation, and
// here and there a Latin word and a number, so characters come as often as they do in Chinese. All captions differ.
import { createRequire } from 'node:module'
import { BertTokenizer } from 'clipwright'

const emoji = createRequire(import.meta.url)('emojibase-data/zh/data.json')
const phrases = emoji.flatMap(({ label, tags = [] }) => [label, ...tags])
const CAPTIONS = 200_000
const LENGTH = 20

let state = 1
const draw = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return (state >>> 8) % n
}

function caption() {
  let text = ''
  while (text.length < LENGTH) {
    text += phrases[draw(phrases.length)]
    if (draw(4) === 0) text += '，。、！ '[draw(5)]
    if (draw(16) === 0) text += ['iPhone', 'DIY', 'T恤', '2026', '3.5kg'][draw(5)]
  }
  return text.slice(0, LENGTH)
}

const tokenizer = await BertTokenizer.load()
const captions = Array.from({ length: CAPTIONS }, caption)
const rates = []
for (let trial = 0; trial < 6; trial++) {
  const began = process.cpuUsage()
  const { lengths } = tokenizer.encodeBatch(captions, { contextLength: 52 })
  const { user, system } = process.cpuUsage(began)
  // The first fills the cache and warms up the compiler.
  if (trial > 0) rates.push(CAPTIONS / ((user + system) / 1e6))
  if (trial === 0) console.log(`${(lengths.reduce((sum, n) => sum + n, 0) / CAPTIONS).toFixed(1)} ids a caption`)
}
console.log(`${Math.round(Math.min(...rates))} captions a second of CPU time, the slowest of ${rates.length}`)
console.log(`${Math.round(Math.max(...rates))} the fastest`)
