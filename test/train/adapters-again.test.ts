/** What the disk did not take of adapters is written once more, as all else of a checkpoint is. */
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { LORA_WEIGHTS } from '../../lib/clip/lora.js'
import { writeError } from '../../lib/files/atomic-write.js'
import { replaceFolder } from '../../lib/files/replace-folder.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, logOf, STATE } from './runs.js'

/** Each folder that is written passes here. */
vi.mock('../../lib/files/replace-folder.js', async (original) => {
  const module = await original<typeof import('../../lib/files/replace-folder.js')>()
  return { ...module, replaceFolder: vi.fn(module.replaceFolder) }
})
const real = await vi.importActual<typeof import('../../lib/files/replace-folder.js')>(
  '../../lib/files/replace-folder.js',
)

const folder = temporaryFolder()
const options = { batchSize: 8, threads: 1, lr: 1e-3 } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
  await train({ ...options, model: LIGHT, data, epochs: 1, out: join(folder, 'base') }).result
})

test.each<[string, TrainOptions]>([
  ['alone', {}],
  ['with averages', { ema: 0.9 }],
])('adapters of the best epoch that the disk refused once: %s', async (name, more) => {
  const out = join(folder, name)
  let calls = 0
  vi.mocked(replaceFolder).mockImplementation(async (path, ...rest) => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' })
    // But for the second time, which is to be of the copy that the first was of.
    if (path.endsWith(join('adapters', 'best')) && ++calls !== 2) throw writeError(path, full)
    return real.replaceFolder(path, ...rest)
  })
  const own = {
    ...options,
    data,
    load: join(folder, 'base/checkpoints/last'),
    loraRank: 2,
    epochs: 2,
    saveEvery: 4,
    keep: 9,
  }
  await expect(train({ ...own, ...more, out }).result).rejects.toMatchObject({
    code: 'ERR_IO',
    message: expect.stringContaining('adapters/best could not be written because the disk is full'),
  })
  const steps = logOf(out).flatMap((event) => (event.type === 'step' ? [event.step] : []))
  expect(steps.length).toBeGreaterThan(4) // others followed those of the best
  // The adapters are the values of the run's state, or their averages, under other names.
  const digests = async (of: string, file: string, prefix: string) =>
    Object.entries(await digestsOf(out, file, of))
      .filter(([key]) => key.startsWith(prefix))
      .map(([, digest]) => digest)
      .sort()
  const kept = more.ema === undefined ? 'value.' : 'average.'
  expect(await digests('../adapters/best', LORA_WEIGHTS, '')).toEqual(await digests('step-4', STATE, kept))
})
