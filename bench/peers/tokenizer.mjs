// Texts to padded ids by transformers.js, by the processor's time of the fastest pass.
// NODE_PATH=… node tokenizer.mjs transformers.js clip TEXTS CONTEXT RUNS FOLDER; prints one JSON line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname } from 'node:path'

// Of .cache/peers-node, which modules are not looked for in otherwise.
const { AutoTokenizer, env } = createRequire(import.meta.url)('@huggingface/transformers')
const [, , file, context, runs, folder] = process.argv.slice(2)
env.allowRemoteModels = false
env.localModelPath = dirname(folder)
const tokenizer = await AutoTokenizer.from_pretrained(basename(folder))
const texts = readFileSync(file, 'utf8').trim().split('\n')
const encode = () => tokenizer(texts, { padding: 'max_length', truncation: true, max_length: Number(context) })
encode()
const rates = Array.from({ length: Number(runs) }, () => {
  const began = process.cpuUsage()
  encode()
  const { user, system } = process.cpuUsage(began)
  return texts.length / ((user + system) / 1e6)
})
const result = { textsPerSecond: Math.max(...rates), slowestPerSecond: Math.min(...rates) }
console.log(JSON.stringify({ ...result, versions: { 'transformers.js': env.version } }))
