import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { train } from '../../lib/train/run.js'
import { useBackend } from '../clip/emulated-cuda.js'
import { captionList, temporaryFolder } from './pictures.js'
import { LIGHT } from './runs.js'

const folder = temporaryFolder()
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 64)
})
afterEach(() => vi.unstubAllEnvs())

test('a batch that cannot fit is refused with figures before there is a run folder', async () => {
  useBackend('cuda')
  vi.stubEnv('CLIPWRIGHT_EMULATION_MEMORY', String(24 * 2 ** 20))
  const out = join(folder, 'run')
  // Its weights fit easily, what a step keeps of 64 pictures does not.
  const vision_cfg = { image_size: 64, layers: 6, width: 64, head_width: 32, patch_size: 8 }
  const options = { data, out, model: { ...LIGHT, vision_cfg }, batchSize: 64, epochs: 1 }
  await expect(train(options).result).rejects.toMatchObject({
    code: 'ERR_OUT_OF_MEMORY',
    message: expect.stringMatching(
      /a step of 64 pairs takes at least \d+ MiB .* \d+ MiB are free on cuda:0; use .*microBatch/,
    ),
  })
  expect(existsSync(out)).toBe(false)
})
