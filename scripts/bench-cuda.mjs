#!/usr/bin/env node
// `npm run bench:cuda`: training steps, the loss and attention on a real card, and the same in PyTorch and open_clip with
// torch.compile, one after the other on the same card. Prints a table and writes it to build/bench-cuda.md. Without a card
// it says so and measures nothing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cudaLibrary } from './build-cuda.mjs'
import { buildNative } from './build-native.mjs'
import { commandLine, findCard } from './cuda/card.mjs'
import { ensurePeers } from './peers/environment.mjs'
import { main, root, run } from './setup/command.mjs'

const tokens = 20
const repeats = '20'
const steps = [
  { model: 'ViT-B-32', batch: 1024 },
  { model: 'ViT-L-14', batch: 256 },
]
const losses = [
  { pairs: 4096, width: 512, type: 'f32' },
  { pairs: 65536, width: 512, type: 'f32' },
  { pairs: 4096, width: 512, type: 'bf16' },
  { pairs: 65536, width: 512, type: 'bf16' },
]
// The towers of ViT-B/32 and L/14: pictures, and captions of the length above.
const attentions = [
  { name: 'ViT-B-32 pictures', shape: [1024, 50, 12, 64, 'bidirectional', 'bf16'] },
  { name: 'ViT-L-14 pictures', shape: [256, 257, 16, 64, 'bidirectional', 'bf16'] },
  { name: 'captions', shape: [1024, tokens, 8, 64, 'causal', 'bf16'] },
  { name: 'captions of 77', shape: [1024, 77, 8, 64, 'causal', 'bf16'] },
]

/** The last line that a program prints, which is JSON. */
const ask = (program, args, env) => JSON.parse(run(program, args, { quiet: true, env }).trim().split('\n').at(-1))

function measure(python) {
  const open = (script, ...args) => ask(python, [join(root, 'bench', script), ...args.map(String)])
  const ours = (...args) =>
    ask(join(root, 'build/cmake/ops_bench'), ['cuda:0', ...args.map(String), repeats], {
      CLIPWRIGHT_CUDA_LIBRARY: cudaLibrary,
    })
  const rows = []
  const add = (what, unit, clipwright, peer, note = '') => {
    const cell = (x) => (x === undefined ? 'out of memory' : x.toFixed(2))
    const ratio = peer === undefined ? '' : (unit === 'ms' ? peer / clipwright : clipwright / peer).toFixed(2)
    rows.push([what, unit, cell(clipwright), cell(peer), ratio, note])
    console.log(rows.at(-1).join('  '))
  }

  for (const { model, batch } of steps) {
    const sizes = ['--model', model, '--batch-size', String(batch), '--tokens', String(tokens), '--steps', repeats]
    const a = ask(process.execPath, [commandLine, 'bench', 'step', '--device', 'cuda', ...sizes, '--json'])
    const b = open('step_open_clip.py', model, batch, tokens, 'bf16', repeats, '--device', 'cuda', '--compile')
    const note = `${(a.gflops / 1000).toFixed(1)} TFLOP/s; torch ${b.torch}`
    add(`step, ${model}, ${batch} pairs, bf16`, 'pairs/s', a.pairsPerSecond, b.pairsPerSecond, note)
  }
  for (const { pairs, width, type } of losses) {
    const a = ours('loss', pairs, width, type)
    const b = open('ops_torch.py', 'cuda', 'loss', pairs, width, type, repeats)
    const theirs = b.extraMiB === undefined ? '' : `; PyTorch ${b.extraMiB.toFixed(0)} MiB`
    const note = `beside features of ${a.featuresMiB.toFixed(0)} MiB: ${a.extraMiB.toFixed(0)} MiB${theirs}`
    add(`InfoNCE and gradients, ${pairs} × ${width}, ${type}`, 'ms', a.ms, b.ms, note)
  }
  for (const { name, shape } of attentions) {
    const a = ours('attention', ...shape)
    const b = open('ops_torch.py', 'cuda', 'attention', ...shape, repeats)
    const sizes = `${shape.slice(0, 4).join(' × ')}, ${shape[5]}`
    add(`attention, ${name}, ${sizes}`, 'ms', a.forwardMs, b.forwardMs)
    add(`its gradients`, 'ms', a.backwardMs, b.backwardMs)
  }
  return rows
}

await main(async () => {
  const { cards, driver, problem } = await findCard()
  // The emulation counts as no card: its times mean nothing.
  if (problem || !driver) {
    console.log(`skipped, nothing was measured: ${problem ?? 'there is no NVIDIA driver'}`)
    return
  }
  buildNative({ tests: true, target: 'ops_bench' })
  const rows = measure(await ensurePeers())
  const headings = ['what', 'unit', 'clipwright', 'PyTorch', 'times as fast', 'note']
  const lines = [headings, headings.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  const table = `Measured on ${cards[0].name}, driver for CUDA ${driver}; captions of ${tokens} tokens; best of ${repeats}.\n\n${lines.join('\n')}\n`
  const file = join(root, 'build/bench-cuda.md')
  writeFileSync(file, table)
  console.log(`\n${table}\nwritten to ${file}`)
})
