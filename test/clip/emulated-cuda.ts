/** The CUDA backend over its emulation, which the test build leaves beside the native suites. */
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'

export const EMULATED_CUDA = fileURLToPath(new URL('../../build/cmake/clipwright_cuda_emulated.so', import.meta.url))

/** On a machine with a card (`npm run test:cuda`), the real library. */
const LIBRARY = process.env.CLIPWRIGHT_CUDA_LIBRARY || EMULATED_CUDA

/** Backends that a model's results are compared on, and what `device` calls them. */
export const BACKENDS = [
  ['cpu', 'cpu'],
  ['reference', 'reference'],
  ['cuda', 'cuda:0'],
] as const

/** Until `vi.unstubAllEnvs`: models run on this backend. */
export function useBackend(backend: (typeof BACKENDS)[number][0]): void {
  vi.stubEnv('CLIPWRIGHT_BACKEND', backend)
  vi.stubEnv('CLIPWRIGHT_CUDA_LIBRARY', LIBRARY)
}
