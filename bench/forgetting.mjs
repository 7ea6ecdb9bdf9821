#!/usr/bin/env node
// What fine-tuning forgets, and what holds it: `node bench/forgetting.mjs` trains a small model on half of the quickstart's themes, goes
// on with the other half in each of the ways of forgetting/aids.mjs, measures both halves, and writes the table into
// docs/guides/fine-tuning.md. Some ten minutes on two cores; `--presets` adds rows of presets, and as much
// again; `--resume` takes what an interrupted one trained.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildLib } from '../scripts/build-lib.mjs'
import { buildNative } from '../scripts/build-native.mjs'
import { main, root } from '../scripts/setup/command.mjs'
import { AIDS, ALPHAS, EPOCHS, MODEL, PRESETS } from './forgetting/aids.mjs'
import { prepareHalves } from './forgetting/halves.mjs'

const folder = join(root, '.cache/forgetting')

/** What a run came to that has ended. */
function endOf(out) {
  const log = join(out, 'log.jsonl')
  if (!existsSync(log)) return undefined
  const last = JSON.parse(readFileSync(log, 'utf8').trimEnd().split('\n').at(-1))
  return last.type === 'end' ? last.result : undefined
}

await main(async () => {
  buildNative()
  await buildLib()
  const { evaluateModel, examineMachine, interpolate, train } = await import('../dist/index.js')
  const { describeMachine } = await import('./suite/machine.mjs')
  const { report, writePage } = await import('./forgetting/report.mjs')
  if (!process.argv.includes('--resume')) rmSync(folder, { recursive: true, force: true })
  const halves = await prepareHalves(folder)
  const precision = (await examineMachine()).cpu.fastBf16 ? 'bf16' : 'fp32'
  const machine = await describeMachine() // before any work is done, whose load it would see

  /** As in the quickstart. */
  const usual = {
    absolutePaths: true,
    maxGradNorm: 1,
    precision,
    augment: { scale: [0.7, 1], ratio: [0.9, 1.1], flip: 0 },
    evalEvery: 0,
  }
  const learn = async (name, options) => {
    const out = join(folder, name.replaceAll(/\W+/g, '-'))
    const { steps } = endOf(out) ?? (await train({ ...usual, ...options, out, overwrite: true }).result)
    return { out, steps }
  }
  const measure = async (path) => {
    const how = { absolutePaths: true, bootstrap: {}, load: { precision } }
    return { a: await evaluateModel(path, halves.a.val, how), b: await evaluateModel(path, halves.b.val, how) }
  }
  const rows = []
  const add = (kind, name, flags, steps, recall) => {
    rows.push({ kind, name, flags, steps, recall })
    console.log(`${name}: ${recall.a.r_mean.toFixed(1)} on A, ${recall.b.r_mean.toFixed(1)} on B`)
  }

  const fromNothing = { model: MODEL, data: halves.a.train, epochs: EPOCHS.first, batchSize: 128, lr: 1e-3, warmup: 25 }
  const first = await learn('first', fromNothing)
  const before = join(first.out, 'checkpoints/last')
  add('before', 'A, before any of B', '', first.steps, await measure(before))

  for (const { name, flags, options, from = 'checkpoints', both, teacher } of AIDS) {
    const run = await learn(name, {
      ...options,
      load: before,
      data: both ? [halves.a.train, halves.b.train] : halves.b.train,
      epochs: both ? EPOCHS.both : EPOCHS.second,
      batchSize: 128,
      ...(teacher && { distill: before }),
    })
    add('aid', name, flags, run.steps, await measure(join(run.out, from, 'last')))
  }
  for (const alpha of ALPHAS) {
    const out = join(folder, `between-${alpha}`)
    await interpolate(before, join(folder, 'nothing/checkpoints/last'), { alpha, out })
    add('aid', 'between before and "nothing"', `interpolate A B --alpha ${alpha}`, 0, await measure(out))
  }
  for (const { name, flags, options, from } of process.argv.includes('--presets') ? PRESETS : []) {
    const run = await learn(name, { ...options, load: before, data: halves.b.train })
    add('preset', name, flags, run.steps, await measure(join(run.out, from, 'last')))
  }
  const text = report(rows, { halves, machine, precision, day: new Date() })
  console.log(`\n${text}`)
  writePage(text)
})
