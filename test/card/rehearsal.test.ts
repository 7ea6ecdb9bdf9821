/**
 * The kit as it is packed, with its real programs over the emulated card, in a root of its own: no Node, no compiler, nothing
 * on the PATH but Python and a shell.
 */
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillKit, mostBytes } from '../../scripts/card/pack.mjs'
import { root } from '../../scripts/setup/command.mjs'
import { EMULATED_CUDA } from '../clip/emulated-cuda.js'
import { CASES } from '../clip/golden-places.mjs'
import { Rig } from './kit.js'

const rig = new Rig()
beforeAll(async () => {
  // These programs have the CPU's kernels, too, which those of a kit do without.
  const most = 2 * mostBytes
  await fillKit({ to: rig.kit, from: join(root, 'build/cmake'), library: undefined, site: false, most })
  cpSync(EMULATED_CUDA, join(rig.folder, 'emulated.so'))
  rig.env.CLIPWRIGHT_CUDA_LIBRARY = join(rig.folder, 'emulated.so')
  rig.env.CLIPWRIGHT_EMULATION_CAPABILITY = '90'
  rig.smi()
  // As the real one, it runs what it is given: compute-sanitizer --tool T --error-exitcode N PROGRAM …
  rig.installed('compute-sanitizer', 'shift 4; exec "$@"')
})
afterAll(() => rig.remove())

it('runs every stage on a tiny model and writes down all of it', async () => {
  const { code, results, stage, stdout, stderr } = await rig.run('--small', '--minutes', '30')
  expect(code, stdout + stderr).toBe(0)
  expect(results).toMatchObject({ complete: true, passed: true, small: true })
  const names = [
    'device',
    'conformance',
    'sessions',
    'goldens',
    'bits',
    'steps',
    'profile',
    'loss',
    'attention',
    'sanitizer',
    'own',
  ]
  expect(results.stages.map(({ name, status }) => [name, status])).toEqual(names.map((name) => [name, 'passed']))
  for (const name of ['conformance', 'sessions', 'goldens', 'bits', 'sanitizer', 'own']) {
    expect(stage(name), name).toMatchObject({ passed: expect.any(Number), failed: 0, skipped: 0 })
    expect(stage(name).passed, name).toBeGreaterThan(0)
  }
  expect(stage('goldens').passed).toBe(CASES.length)
  expect(readdirSync(join(rig.kit, 'goldens'))).toHaveLength(CASES.length)
  expect(results.steps[0]!.clipwright).toMatchObject({
    pairsPerSecond: expect.any(Number),
    pairsPerSecondAll: [expect.any(Number)],
  })
  expect(results.steps[0]!.open_clip).toEqual({
    why: expect.stringMatching(/^no peer is measured: .* has no usable torch/),
  })
  expect(results.losses[0]!.clipwright).toMatchObject({ ms: expect.any(Number), extraMiB: expect.any(Number) })
  expect(results.attentions[0]!.clipwright).toMatchObject({
    forwardMs: expect.any(Number),
    backwardMs: expect.any(Number),
  })
  expect(results.products[0]).toMatchObject({
    clipwright: { forwardMs: expect.any(Number), weightGradMs: expect.any(Number) },
    cuBLASLt: { inputGradMs: expect.any(Number) },
  })
  expect(results.profiles[0]!.ops.map(({ name }) => name)).toContain('linear')
}, 240_000)
