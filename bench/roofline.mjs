#!/usr/bin/env node
// The paper model of a training step on a GPU: `node bench/roofline.mjs` prints it, `--write` puts it into roofline.md
// between the markers. What was measured stands in the page's own text.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { between, table } from './report/markdown.mjs'
import { lossOps, lossTile, sum } from './roofline-ops.mjs'
import { models, parameterCount, stepOps, towerFlops } from './roofline-step.mjs'

/**
 * Dense rates in FLOP/s, memory in byte/s, of the SXM forms; shared memory that a block may have. `mma`: of mma.sync, which
 * kernels of our own multiply with. Sources: roofline.md.
 */
export const cards = {
  A100: { bf16: 312e12, mma: 312e12, f32: 19.5e12, memory: 2.039e12, multiprocessors: 108, shared: 166912 },
  H100: { bf16: 989e12, mma: 613e12, f32: 67e12, memory: 3.35e12, multiprocessors: 132, shared: 232448 },
  H200: { bf16: 989e12, mma: 613e12, f32: 67e12, memory: 4.8e12, multiprocessors: 132, shared: 232448 },
  B200: { bf16: 2250e12, mma: 695e12, f32: 80e12, memory: 8e12, multiprocessors: 148, shared: 232448 },
  /** At rates that were reached on one: what a step of today's code would take if all of it went as fast. */
  'H200, reached': { bf16: 790e12, mma: 490e12, f32: 53e12, memory: 4.3e12, multiprocessors: 132, shared: 232448 },
}

/** Assumed: from one kernel's end to the next one's start within a graph, in seconds. */
export const launchGap = 1e-6
export const tokens = 20
/** The target of a step on an H200, in seconds; and what a reading of the code before it gave, by part, in milliseconds. */
export const targets = { 'ViT-B-32': 0.058, 'ViT-L-14': 0.215 }
const before = {
  'ViT-B-32': {
    products: 42,
    activations: 11.7,
    attention: 5.5,
    'layer norms': 3.6,
    'bias gradients': 4.3,
    optimizer: 1.3,
  },
  'ViT-L-14': {
    products: 168,
    activations: 34,
    attention: 38,
    'layer norms': 10,
    'bias gradients': 10,
    optimizer: 3.7,
  },
}
const beforeInAll = { 'ViT-B-32': 70, 'ViT-L-14': 268 }
/** Measured, in ms: kernels of the forward pass of ViT-L/14, 256 pairs, on an H200. Which, and how: roofline.md. */
const measuredForward = { products: 53.04, activations: 15.86, attention: 15.56, 'layer norms': 5.8, rest: 0.19 }
export const batches = { 'ViT-B-32': 1024, 'ViT-B-16': 512, 'ViT-L-14': 256, 'ViT-H-14': 128 }

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
  const ops = stepOps(models[name], batch, tokens, card)
  const floor = floorOf(ops, card)
  return { ops, floor, pairsPerSecond: batch / floor.seconds, utilisation: towerFlops(ops) / card.bf16 / floor.seconds }
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

const launchesOf = (ops) => sum(ops.map(({ times, launches }) => times * launches))

/** Each kind of op of a step, and each of its passes, over all its runs. Launches are those on an H200. */
function opTable(name) {
  const rowsOf = (card) => {
    const rows = new Map()
    for (const op of stepOps(models[name], batches[name], tokens, card)) {
      const split = op.name.startsWith('linear') && op.part !== 'products'
      const key = `\`${op.name}\`${split ? `: ${op.part}` : ''}`
      rows.set(key, [...(rows.get(key) ?? []), op])
    }
    return rows
  }
  const onCards = Object.values(cards).map((card) => ({ card, rows: rowsOf(card) }))
  const rows = [...rowsOf(cards.H200)].map(([key, ops]) => {
    const total = (value) => sum(ops.map((op) => op.times * value(op)))
    const floors = onCards.map(({ card, rows }) => floorOf(rows.get(key), card))
    return [
      key,
      digits(total((op) => op.flops + op.again) / 1e12),
      digits(total((op) => op.bytes) / 1e9),
      launchesOf(ops),
      ...floors.map(({ seconds, bound }) => `${ms(seconds)} ${bound[0]}`),
    ]
  })
  return table(['op', 'TFLOP', 'GB', 'launches', ...Object.keys(cards)], rows)
}

/** By part, on an H200: what the code took on paper before, what it takes now at rates that were reached, and the target. */
function targetTable() {
  const names = Object.keys(targets)
  const card = cards['H200, reached']
  const steps = names.map((name) => stepOps(models[name], batches[name], tokens, card))
  /** Launches are a part of their own. */
  const now = (ops) => {
    const { compute, memory } = floorOf(ops, card).parts
    return compute + memory
  }
  const parts = [...new Set(steps.flat().map(({ part }) => part))].filter((part) => part !== 'rest')
  const rest = (name) => beforeInAll[name] - sum(Object.values(before[name]))
  const row = (what, cells) => [what, ...cells.flat()]
  const gaps = (i) => floorOf(steps[i], card).parts.launch
  return table(
    ['part', ...names.flatMap((name) => [`${name} before`, 'now', 'launches'])],
    [
      ...parts.map((part) =>
        row(
          part,
          names.map((name, i) => {
            const ops = steps[i].filter((op) => op.part === part)
            return [before[name][part] ?? '', ms(now(ops)), launchesOf(ops)]
          }),
        ),
      ),
      row(
        'rest, gaps',
        names.map((name, i) => {
          const ops = steps[i].filter((op) => op.part === 'rest')
          return [digits(rest(name)), ms(now(ops) + gaps(i)), launchesOf(ops)]
        }),
      ),
      row(
        'in all',
        names.map((name, i) => [beforeInAll[name], ms(floorOf(steps[i], card).seconds), launchesOf(steps[i])]),
      ),
      row(
        'target',
        names.map((name) => ['', ms(targets[name]), '']),
      ),
    ],
  )
}

/** What was measured of a forward pass beside the least that the same kernels can take. */
function forwardTable() {
  const card = cards['H200, reached']
  const forward = stepOps(models['ViT-L-14'], batches['ViT-L-14'], tokens, card).filter(
    ({ name, part }) => !name.includes('_grad') && part !== 'optimizer' && part !== 'InfoNCE',
  )
  const rows = Object.entries(measuredForward).map(([part, measured]) => {
    const { compute, memory } = floorOf(
      forward.filter((op) => op.part === part),
      card,
    ).parts
    return [part, measured.toFixed(2), ms(compute + memory), (measured / 1000 / (compute + memory)).toFixed(1)]
  })
  return table(['part', 'measured, ms', 'floor, ms', 'times'], rows)
}

function lossTable() {
  const n = 65536
  const rows = [512, 768, 1024].flatMap((embedDim) =>
    ['f32', 'bf16'].map((type) => {
      const features = 2 * n * embedDim * (type === 'f32' ? 4 : 2)
      const floors = Object.values(cards).map((card) => {
        const ops = lossOps(n, embedDim, card, type).filter((op) => op.name.startsWith('info_nce'))
        const { seconds, bound } = floorOf(ops, card)
        return `${ms(seconds)} ${bound[0]}`
      })
      const [forward, backward] = ['info_nce', 'info_nce_grad'].map((name) => {
        const ops = lossOps(n, embedDim, cards.H200, type)
        return ops.find((op) => op.name === name).launches > 10 ? `${lossTile(embedDim, 132)}²` : 'sweep'
      })
      return [embedDim, type, `${features / 2 ** 20}`, forward, backward, ...floors]
    }),
  )
  return table(['E', 'features', 'their MiB', 'forward', 'backward', ...Object.keys(cards)], rows)
}

/** All tables, as roofline.md has them. */
export function report() {
  return [
    `## Steps of ${tokens}-token captions`,
    stepTable(),
    '## By part on an H200, in ms: before, now, and the target',
    'Before: a reading of the code of then, products at 700 TFLOP/s and memory at 3.9 TB/s. Now: floors at rates reached.',
    targetTable(),
    '## Forward pass of ViT-L-14, batch 256: measured on an H200, and the floor at rates reached',
    forwardTable(),
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
export const updated = (text) => between(text, BEGIN, END, report(), 'roofline.md')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) writeFileSync(page, updated(readFileSync(page, 'utf8')))
  else console.log(report())
}
