/** Which device a model gets, and why it does not get another. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EMULATED_CUDA } from './emulated-cuda.js'
import { tiny } from './tiny.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

afterEach(() => {
  vi.unstubAllEnvs()
})

/** `clipwright doctor --json` in a process of its own: a library that was opened stays. */
async function doctor(environment: Record<string, string>) {
  const env = { ...process.env, ...environment }
  const { stdout } = await run(process.execPath, ['dist/cli/main.js', 'doctor', '--json'], { cwd: repository, env })
  return JSON.parse(stdout)
}

describe('device cuda', () => {
  it.each([
    ['does not load', '/nowhere/clipwright_cuda.so'],
    ['belongs to another version', `${repository}build/Release/libdnnl.so.3`],
  ])('says that the library %s', async (message, library) => {
    vi.stubEnv('CLIPWRIGHT_CUDA_LIBRARY', library)
    const error = await tiny({ device: 'cuda' }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'ERR_NO_CUDA', message: expect.stringContaining(message) })
    expect((error as Error).message).toContain("use device 'cpu'")
  })

  it('is an error when CLIPWRIGHT_BACKEND asks for it in vain', async () => {
    vi.stubEnv('CLIPWRIGHT_CUDA_LIBRARY', '/nowhere/clipwright_cuda.so')
    vi.stubEnv('CLIPWRIGHT_BACKEND', 'cuda')
    await expect(tiny()).rejects.toMatchObject({ code: 'ERR_NO_CUDA' })
    await using clip = await tiny({ device: 'cpu' })
    expect(clip.device).toBe('cpu')
  })

  it('names a card that does not exist', async () => {
    vi.stubEnv('CLIPWRIGHT_CUDA_LIBRARY', EMULATED_CUDA)
    await expect(tiny({ device: 'cuda:7' })).rejects.toMatchObject({
      code: 'ERR_NO_CUDA',
      message: expect.stringMatching(/'cuda:7'.*this machine has 2 CUDA cards/),
    })
    await using second = await tiny({ device: 'cuda:1' })
    expect(second.device).toBe('cuda:1')
  })
})

describe('clipwright doctor', () => {
  it('lists cards and versions', async () => {
    const { device, cpu, cuda } = await doctor({ CLIPWRIGHT_CUDA_LIBRARY: EMULATED_CUDA })
    expect(device).toBe('cuda:0')
    expect(cpu).toMatchObject({ isa: expect.stringMatching(/^avx/), threads: expect.any(Number) })
    expect(cuda).toMatchObject({ runtime: '13.0', cublaslt: expect.stringMatching(/^\d+\.\d+\.\d+$/), problem: null })
    expect(cuda.cards).toHaveLength(2)
    expect(cuda.cards[0]).toMatchObject({ device: 'cuda:0', computeCapability: '8.0', memoryMiB: 4096 })
  })

  it('says what is missing', async () => {
    const { device, cuda } = await doctor({ CLIPWRIGHT_CUDA_LIBRARY: '/nowhere/clipwright_cuda.so' })
    expect(device).toBe('cpu')
    expect(cuda.problem).toMatch(/^\/nowhere\/clipwright_cuda.so does not load/)
  })
})
