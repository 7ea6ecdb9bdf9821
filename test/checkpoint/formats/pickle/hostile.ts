/** PyTorch files made by hand, opened as `m.pt`: what they hold, or why they are refused. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { openTorchFile } from '../../../../lib/checkpoint/formats/pickle/torch-file.js'
import { archive, dict, floats, pickle, storage, tensor } from './assemble.js'

export const two = { w: tensor(storage('0', 2), [2]) }
export const saved = (root: Buffer = dict(two), data: Buffer = floats(1, 2)) => archive(pickle(root), { '0': data })

/** In a folder that is there for the file's tests. */
export function torchFiles() {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clipwright-hostile-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function open(content: Buffer) {
    const path = join(folder, 'm.pt')
    await writeFile(path, content)
    return openTorchFile(path)
  }

  async function refused(content: Buffer, code: string, message: string | RegExp): Promise<void> {
    const began = process.cpuUsage()
    await expect(open(content)).rejects.toThrow(
      expect.objectContaining({
        code,
        message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
      }),
    )
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1e6, 'seconds of the processor').toBeLessThan(2)
  }

  async function valuesOf(content: Buffer, name = 'w'): Promise<number[]> {
    const file = await open(content)
    try {
      return Array.from((await file.read(name)).data, Number)
    } finally {
      await file.close()
    }
  }

  return { open, refused, valuesOf }
}
