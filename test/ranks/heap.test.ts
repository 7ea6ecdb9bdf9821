/** Memory of ranks. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../train/pictures.js'
import { startRanks } from './mpi.js'

const folder = temporaryFolder()

// What libraries of an MPI try out in a process (UCX moves the heap's end) is no harm where the heap cannot grow.
test('a heap that cannot grow keeps all of its pages', async () => {
  const library = join(folder, 'full-heap.so')
  const source = fileURLToPath(new URL('../programs/full-heap.c', import.meta.url))
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', source, '-o', library])
  const env = { 0: { LD_PRELOAD: library }, 1: { LD_PRELOAD: library } }
  const args = ['bench', 'dist', '--most-mib', '0.001', '--seconds', '0.001']
  const { code, output } = await startRanks(2, args, { env }).ended
  expect(code, output).toBe(0)
  // `env` itself, and then Node.
  const moved = [...output.matchAll(/heap: moved by (-?\d+) bytes/g)].map(([, bytes]) => Number(bytes))
  expect(moved.length, output).toBeGreaterThanOrEqual(2)
  expect(moved.filter((bytes) => bytes < 0)).toEqual([])
}, 60_000)
