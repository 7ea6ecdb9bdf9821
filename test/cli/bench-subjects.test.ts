/** Every subject of `clipwright bench` but the step, in its smallest form. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { modelAndPictures, clipwright as start } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

async function bench(...args: string[]) {
  const { code, stdout, stderr } = await start('bench', ...args, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

const TINY = ['--model', 'ViT-tiny-test', '--threads', '1']

it.each([
  ['image', 'fp32', '1', []],
  ['image', 'bf16', '3', []],
  ['text', 'fp32', '2', []],
  ['image', 'int8', '2', []],
  ['text', 'bf16', '1', ['--encode-only']],
])('infer measures the %s tower in %s, batch %s %j', async (tower, precision, batch, more) => {
  const how = ['--tower', tower, '--precision', precision, '--batch-size', batch, '--tokens', '6', '--seconds', '0.01']
  const r = await bench('infer', ...TINY, ...how, ...more, '--device', 'cpu')
  expect(r).toMatchObject({ device: 'cpu', tower, encodeOnly: precision === 'int8' || more.length > 0 })
  expect(r.perSecond).toBeCloseTo((1000 * Number(batch)) / r.bestMs, 6)
  expect(r.medianMs).toBeGreaterThanOrEqual(r.bestMs)
  expect(r.calls).toBeGreaterThanOrEqual(3)
  expect(r.peakRssMiB).toBeGreaterThanOrEqual(r.rssMiB - 1)
})

it('infer takes a checkpoint, and calls wrong options by their flags', async () => {
  const r = await bench('infer', '--model', model, '--tower', 'text', '--tokens', '4', '--seconds', '0.01')
  expect(r.perSecond).toBeGreaterThan(0)
  expect(await start('bench', 'infer', ...TINY, '--tokens', '100')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--tokens: the model takes 32 at most'),
  })
  expect(await start('bench', 'infer', '--tower', 'sound')).toMatchObject({ code: 2 })
})

it.each(['fp32', 'bf16'])('loss tells time and memory in %s', async (precision) => {
  const sizes = ['--batch-size', '256', '--dim', '64', '--precision', precision]
  const r = await bench('loss', ...sizes, '--steps', '1', '--threads', '1', '--device', 'cpu')
  expect(r.seconds).toBeGreaterThan(0)
  expect(r.featuresMiB).toBe((2 * 256 * 64 * 4) / 2 ** 20)
  expect(r.gflops).toBeCloseTo((6 * 256 ** 2 * 64) / r.seconds / 1e9, 6)
  // At least the normalised features; no more than tiles and the code of some primitives.
  expect(r.extraMiB).toBeGreaterThan(0)
  expect(r.extraMiB).toBeLessThan(200)
  expect(typeof r.measured).toBe('boolean')
})

it('data goes through all pictures, those of a folder or its own', async () => {
  const own = await bench('data', '--count', '2', '--seconds', '0.01', '--size', '32')
  expect(own).toMatchObject({ pictures: 2, concurrency: expect.any(Number) })
  const broken = join(folder, 'text.png')
  expect(await start('bench', 'data', '--images', broken)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(broken),
  })
  const red = await bench('data', '--images', join(folder, 'red.png'), '--seconds', '0.01', '--size', '32')
  expect(red.pictures).toBe(1)
  expect(red.picturesPerSecond).toBeGreaterThan(0)
})

it.each(['clip', 'bert'])('tokenizer measures %s on its own texts or on a file', async (tokenizer) => {
  const own = await bench('tokenizer', '--tokenizer', tokenizer, '--count', '50', '--runs', '2')
  expect(own.texts).toBe(50)
  expect(own.textsPerSecond).toBeGreaterThanOrEqual(own.slowestPerSecond)
  expect(own.tokensPerText).toBeGreaterThan(8)
  const file = join(folder, 'captions.txt')
  writeFileSync(file, 'a dog\n\na cat\n')
  const given = await bench('tokenizer', '--tokenizer', tokenizer, '--texts', file, '--runs', '1')
  expect(given).toMatchObject({ texts: 2, tokensPerText: 4 })
})

it('gemm multiplies what a step does, or one product', async () => {
  const sizes = ['--batch-size', '1', '--tokens', '4', '--precision', 'fp32']
  const step = await bench('gemm', ...TINY, ...sizes)
  // Four layers, two towers, three passes.
  expect(step.products).toHaveLength(24)
  expect(step.products[0]).toMatchObject({
    name: 'image in_proj',
    pass: 'forward',
    rows: 17,
    inputs: 64,
    outputs: 192,
    times: 2,
  })
  const flops = (p: { rows: number; inputs: number; outputs: number }) => 2 * p.rows * p.inputs * p.outputs
  const total = step.products.reduce((sum: number, p: never) => sum + 2 * flops(p), 0)
  expect(step.gflops).toBeCloseTo(total / step.ms / 1e6, 6)
  const one = await bench('gemm', '--rows', '8', '--inputs', '16', '--outputs', '24', '--pass', 'weightGrad')
  expect(one.products).toHaveLength(1)
  expect(one.products[0].gflops).toBeGreaterThan(0)
  expect(await start('bench', 'gemm', '--rows', '8')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--rows: one product is told by rows, inputs and outputs, all three'),
  })
})

it('profile breaks a step down by operation, as a table and a picture', async () => {
  const picture = join(folder, 'profile.svg')
  const how = ['--batch-size', '2', '--tokens', '4', '--precision', 'fp32', '--steps', '2', '--device', 'cpu']
  const r = await bench('profile', ...TINY, ...how, '--out', picture)
  const named = Object.fromEntries(r.ops.map((op: { name: string }) => [op.name, op]))
  // Two towers of two blocks: four linears each, patches, two projections.
  expect(named.linear.calls).toBeGreaterThanOrEqual(16)
  for (const name of [
    'attention',
    'attention_grad',
    'linear_input_grad',
    'linear_weight_grad',
    'layer_norm',
    'info_nce',
  ])
    expect(named[name], name).toMatchObject({ ms: expect.any(Number) })
  expect(named.optimizer_step).toMatchObject({ calls: 1, gflop: 0 })
  for (const op of r.ops) {
    expect(op.ofCeiling, op.name).toBeCloseTo(
      (1000 * Math.max(op.gflop / r.ceilings.gflops, op.gb / r.ceilings.gbPerSecond)) / op.ms,
      9,
    )
    expect(op.gb, op.name).toBeGreaterThan(0)
  }
  const sum = r.ops.reduce((total: number, op: { ms: number }) => total + op.ms, 0)
  expect(sum + r.restMs).toBeCloseTo(r.stepMs, 6)
  expect(r.restMs).toBeGreaterThan(0)
  expect(existsSync(picture)).toBe(true)
  expect(readFileSync(picture, 'utf8')).toContain('linear_weight_grad')
})
