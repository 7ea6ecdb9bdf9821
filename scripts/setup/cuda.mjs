// CUDA's compiler, cuobjdump and the nvdisasm that it runs: those of the toolkit that CUDACXX names, else the pinned wheels of the CUDA 13.0.2 toolkit
// (nvcc, its headers, the static runtime; 108 MB) unpacked into .cache/cuda.
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram, requireProgram, root, run, SetupError } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const cache = join(root, '.cache')
const prefix = join(cache, 'cuda')
const pinned = { nvcc: join(prefix, 'bin/nvcc'), cuobjdump: join(prefix, 'bin/cuobjdump') }
const disassembler = join(prefix, 'bin/nvdisasm')

const wheels = [
  {
    requirement: 'nvidia-cuda-nvcc==13.0.88',
    sha256: '56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03',
  },
  {
    requirement: 'nvidia-nvvm==13.0.88',
    sha256: 'c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0',
  },
  {
    requirement: 'nvidia-cuda-crt==13.0.88',
    sha256: '2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4',
  },
  {
    requirement: 'nvidia-cuda-runtime==13.0.96',
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
  },
  {
    requirement: 'nvidia-cuda-cccl==13.0.85',
    sha256: 'e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649',
  },
  {
    requirement: 'nvidia-cuda-cuobjdump==13.2.51', // the first that is a wheel; it reads what 13.0 wrote
    sha256: '95c69d3ddf0c2c1f535ec44c3433a66aeee19f588d9d22f73356e20b25f12b50',
  },
  {
    requirement: 'nvidia-cuda-nvdisasm==13.2.51', // which cuobjdump looks for beside itself
    sha256: '5a7acf77c55d6d2911ed6155d4d5bc156ffadf9df7a68a89b0c1155f4b13688c',
  },
]

/** Full paths: `{ nvcc, cuobjdump }`. */
export function ensureCudaToolkit() {
  if (process.env.CUDACXX) return namedToolkit(process.env.CUDACXX)
  if (![...Object.values(pinned), disassembler].every(existsSync)) unpackWheels()
  return pinned
}

function namedToolkit(name) {
  const nvcc = findProgram(name)
  const remedy = 'it must be nvcc of CUDA 13, in the bin folder of its toolkit; unset it to use the pinned wheels'
  if (!nvcc) throw new SetupError(`CUDACXX is ${name}, but there is no such program: ${remedy}.`)
  const cuobjdump = findProgram(join(dirname(nvcc), 'cuobjdump'))
  if (!cuobjdump) throw new SetupError(`CUDACXX is ${name}, but no cuobjdump lies beside it: ${remedy}.`)
  return { nvcc, cuobjdump }
}

function unpackWheels() {
  console.log('CUDA: fetching the pinned wheels')
  const folder = fetchWheels(wheels, 'the CUDA toolkit')
  const staged = mkdtempSync(join(cache, 'cuda-'))
  try {
    const python = requireProgram('python3', 'to unpack the CUDA toolkit', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), staged])
    const toolkit = join(staged, 'nvidia/cu13')
    // Zip files hold no links, and this way of unpacking drops permissions.
    for (const bin of ['bin', 'nvvm/bin'])
      for (const { name } of readdirSync(join(toolkit, bin), { withFileTypes: true }).filter((entry) => entry.isFile()))
        chmodSync(join(toolkit, bin, name), 0o755)
    symlinkSync('lib', join(toolkit, 'lib64'))
    symlinkSync('libcudart.so.13', join(toolkit, 'lib/libcudart.so'))
    rmSync(prefix, { recursive: true, force: true })
    renameSync(toolkit, prefix)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}
