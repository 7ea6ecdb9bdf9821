#!/usr/bin/env node
// The paper model of a training step on a GPU: `node bench/roofline.mjs` prints it, `--write` puts it into roofline.md
// between the markers. Nothing here is measured.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lossOps, lossTile, models, parameterCount, stepOps, towerFlops } from './roofline-step.mjs'

/** Dense rates in FLOP/s, memory in byte/s, of the SXM forms. Sources: roofline.md. */
export const cards = {
  A100: { bf16: 312e12, f32: 19.5e12, memory: 2.039e12, multiprocessors: 108 },
  H100: { bf16: 989e12, f32: 67e12, memory: 3.35e12, multiprocessors: 132 },
  H200: { bf16: 989e12, f32: 67e12, memory: 4.8e12, multiprocessors: 132 },
  B200: { bf16: 2250e12, f32: 80e12, memory: 8e12, multiprocessors: 148 },
}

/** Assumed: from one kernel's end to the next one's start within a graph, in seconds. */
export const launchGap = 1e-6
export const tokens = 20
export const batches = { 'ViT-B-32': 1024, 'ViT-B-16': 512, 'ViT-L-14': 256, 'ViT-H-14': 128 }

const sum = (values) => values.reduce((a, b) => a + b, 0)

/**
 * The least time that ops of one kind can take on a card, in seconds, and what binds it: each op computes and moves at
 * once, and its launches come on top.
 */
export function floorOf(ops, card) {
  const parts = { compute: 0, memory: 0, launch: 0 }
  for (const { times, rate, flops, again, bytes, launches } of ops) {
    const compute = (flops + again) / card[rate]
    const memory = bytes / card.memory
    parts[compute > memory ? 'compute' : 'memory'] += times * Math.max(compute, memory)
    parts.launch += times * launches * launchGap
  }
  const [bound] = Object.entries(parts).sort((a, b) => b[1] - a[1])[0]
  return { seconds: sum(Object.values(parts)), bound, parts }
}

/** A step of a model on a card: its ops, seconds and the fraction of the card's bf16 rate that the towers get. */
export function predict(name, card, batch = batches[name]) {
  const ops = stepOps(models[name], batch, tokens, card.multiprocessors)
  const floor = floorOf(ops, card)
  return { ops, floor, pairsPerSecond: batch / floor.seconds, utilisation: towerFlops(ops) / card.bf16 / floor.seconds }
}

/** A Markdown table, the first column left-aligned, the others right-aligned. */
function table(heading, rows) {
  const cells = [heading, ...rows].map((row) => row.map(String))
  const widths = heading.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [cells[0], rule, ...cells.slice(1)].map(line).join('\n')
}
const percent = (x) => `${(100 * x).toFixed(0)} %`
const digits = (x) => x.toFixed(x < 0.1 ? 3 : x < 10 ? 2 : 1)
const ms = (seconds) => digits(1000 * seconds)

function stepTable() {
  const rows = Object.keys(models).flatMap((name) =>
    Object.entries(cards).map(([cardName, card]) => {
      const { floor, pairsPerSecond, utilisation } = predict(name, card)
      const shares = ['compute', 'memory', 'launch'].map((part) => percent(floor.parts[part] / floor.seconds))
      return [
        name,
        cardName,
        batches[name],
        ms(floor.seconds),
        Math.round(pairsPerSecond),
        percent(utilisation),
        ...shares,
      ]
    }),
  )
  return table(
    ['model', 'card', 'batch', 'step, ms', 'pairs/s', 'of the bf16 rate', 'compute-bound', 'memory-bound', 'launches'],
    rows,
  )
}

/** Each kind of op of a step, over all its runs. Launches are those on an H100. */
function opTable(name) {
  const onCards = Object.values(cards).map((card) => ({
    card,
    step: stepOps(models[name], batches[name], tokens, card.multiprocessors),
  }))
  const h100 = stepOps(models[name], batches[name], tokens, cards.H100.multiprocessors)
  const kinds = [...new Set(h100.map((op) => op.name))]
  const rows = kinds.map((kind) => {
    const of = (step) => step.filter((op) => op.name === kind)
    const total = (value) => sum(of(h100).map((op) => op.times * value(op)))
    const floors = onCards.map(({ card, step }) => floorOf(of(step), card))
    return [
      `\`${kind}\``,
      digits(total((op) => op.flops + op.again) / 1e12),
      digits(total((op) => op.bytes) / 1e9),
      total((op) => op.launches),
      ...floors.map(({ seconds, bound }) => `${ms(seconds)} ${bound[0]}`),
    ]
  })
  return table(['op', 'TFLOP', 'GB', 'launches', ...Object.keys(cards)], rows)
}

function lossTable() {
  const n = 65536
  const rows = [512, 768, 1024].flatMap((embedDim) =>
    ['f32', 'bf16'].map((type) => {
      const features = 2 * n * embedDim * (type === 'f32' ? 4 : 2)
      const tile = lossTile(embedDim, cards.H100.multiprocessors)
      const scratch = tile * tile * (type === 'f32' ? 4 : 6)
      const floors = Object.values(cards).map((card) => {
        const ops = lossOps(n, embedDim, card.multiprocessors, type).filter((op) => op.name.startsWith('info_nce'))
        const { seconds, bound } = floorOf(ops, card)
        return `${ms(seconds)} ${bound[0]}`
      })
      return [embedDim, type, `${features / 2 ** 20}`, `${tile}²`, `${(scratch / 2 ** 20).toFixed(0)}`, ...floors]
    }),
  )
  return table(['E', 'features', 'their MiB', 'tile', 'tiles, MiB', ...Object.keys(cards)], rows)
}

/** All tables, as roofline.md has them. */
export function report() {
  return [
    `## Steps of ${tokens}-token captions`,
    stepTable(),
    ...Object.keys(models).flatMap((name) => [
      `## ${name}, batch ${batches[name]}, ${(parameterCount(models[name]) / 1e6).toFixed(0)} M parameters: floor in ms`,
      opTable(name),
    ]),
    '## InfoNCE of 65,536 pairs on one card, forward and backward: floor in ms',
    lossTable(),
  ].join('\n\n')
}

export const page = new URL('./roofline.md', import.meta.url)
const BEGIN = '<!-- begin: node bench/roofline.mjs --write -->'
const END = '<!-- end -->'

/** The page with its tables replaced by `report()`. */
export function updated(text) {
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`roofline.md: expected the markers ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n\n${report()}\n\n${END}${after}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) writeFileSync(page, updated(readFileSync(page, 'utf8')))
  else console.log(report())
}
