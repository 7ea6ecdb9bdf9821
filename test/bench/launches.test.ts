/** The kernels that bench/roofline-step.mjs lists are those that a step launches: counted on the emulated card. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { attentionGradKernels, launchesByOp, stepOps } from '../../bench/roofline-step.mjs'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import { resolveModel } from '../../lib/models/resolve.js'
import { modelLine } from '../../scripts/card/models.mjs'
import { root } from '../../scripts/setup/command.mjs'
import { EMULATED_CUDA } from '../clip/emulated-cuda.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-launches-'))
afterAll(() => rmSync(folder, { recursive: true }))

const multiprocessors = 4 // the emulated card's

/** What one step of a model in bf16 launches, by op. */
function launched(line: string, batch: number, tokens: number, shared: number) {
  const models = join(folder, 'models.txt')
  writeFileSync(models, `${line}\n`)
  const args = [models, 'model', 'cuda:0', batch, 'bf16', tokens, 1, '--profile'].map(String)
  const env = {
    ...process.env,
    CLIPWRIGHT_CUDA_LIBRARY: EMULATED_CUDA,
    CLIPWRIGHT_EMULATION_SHARED: String(shared),
  }
  const program = join(root, 'build/cmake/step_bench')
  const { ops } = JSON.parse(execFileSync(program, args, { encoding: 'utf8', env })) as {
    ops: { name: string; launches: number }[]
  }
  return Object.fromEntries(ops.filter(({ launches }) => launches > 0).map(({ name, launches }) => [name, launches]))
}

describe('launches of a step', () => {
  it.each([
    // Sequences in one block with the keys' kernel; InfoNCE in one tile of f32.
    { kernels: 'keys', shared: 232448, size: 32, width: 64, headWidth: 32, embedDim: 64, batch: 3 },
    // A picture's sequence in one block, by the kernel for all of it; features that are padded.
    { kernels: 'whole', shared: 232448, size: 80, width: 64, headWidth: 64, embedDim: 72, batch: 2 },
    // Little shared memory and wide heads.
    { kernels: 'both', shared: 101376, size: 64, width: 128, headWidth: 128, embedDim: 64, batch: 2 },
    // Wide features.
    { kernels: 'keys', shared: 101376, size: 16, width: 64, headWidth: 64, embedDim: 576, batch: 8 },
  ])(
    'are those of the paper model: $kernels, E = $embedDim',
    ({ kernels, shared, size, width, headWidth, ...more }) => {
      const { embedDim, batch } = more
      const tokens = 6
      const config = {
        embed_dim: embedDim,
        vision_cfg: { image_size: size, patch_size: 8, width, head_width: headWidth, layers: 2 },
        text_cfg: { context_length: 8, vocab_size: 300, width: 64, heads: 2, layers: 2 },
      }
      const model = resolveModel(config, parsePreprocessConfig({}, size, 'model'), 'model')
      const patches = (size / 8) ** 2
      expect(attentionGradKernels(patches + 1, patches + 1, headWidth, shared)).toBe(kernels)
      const paper = stepOps(model as Parameters<typeof stepOps>[0], batch, tokens, { multiprocessors, shared })
      expect(launched(modelLine('model', model), batch, tokens, shared)).toEqual(launchesByOp(paper))
    },
  )
})
