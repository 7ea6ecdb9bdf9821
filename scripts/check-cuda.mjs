#!/usr/bin/env node
// Part of `npm run build:cuda`: fails unless the library holds every kernel for every architecture, and PTX for later cards,
// within the registers, stack and instructions of native/ops/cuda/registers.json. Alone, it also lists what each kernel takes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { instanceOf, instructionViolations, isInstance, parseSass } from './cuda/instructions.mjs'
import { kernelViolations, mostByKernel, parseResourceUsage } from './cuda/kernels.mjs'
import { isMain, main, root, run, SetupError } from './setup/command.mjs'
import { ensureCudaToolkit } from './setup/cuda.mjs'

const architectures = ['sm_80', 'sm_90', 'sm_100', 'sm_120']
const tableFile = 'native/ops/cuda/registers.json'

/** Returns what was found. `list`: also prints what each kernel takes, before it is judged. */
export function checkCuda(library, cuobjdump, { list = false } = {}) {
  const usage = parseResourceUsage(run(cuobjdump, ['-res-usage', library], { quiet: true }))
  if (list) {
    for (const { kernel, registers, stack } of mostByKernel(usage))
      console.log(`${kernel.padEnd(40)} ${String(registers).padStart(3)} registers, ${stack} bytes of stack`)
  }
  const table = JSON.parse(readFileSync(join(root, tableFile), 'utf8'))
  const { arch, kernels: hot } = table.instructions
  const listings = listed(library, cuobjdump, arch, hot, usage.cubins.get(arch) ?? new Map())
  if (list) {
    for (const row of hot) {
      const { instructions = 0, loop = 0, tensor = 0 } = instanceOf(listings, row) ?? {}
      const what = `${row.kernel} (${row.what})`.padEnd(60)
      console.log(`${what} ${instructions} instructions on ${arch}, ${loop} in its loop, ${tensor} of them products`)
    }
  }
  const violations = [...kernelViolations(usage, architectures, table), ...instructionViolations(listings, hot, arch)]
  if (violations.length > 0) {
    throw new SetupError(`${library} is not as ${tableFile} wants it:\n  ${violations.join('\n  ')}`)
  }
  const kernels = usage.cubins.get(architectures[0]).size
  console.log(`kernels: ${kernels} for each of ${architectures.join(', ')}; PTX of ${usage.ptx.join(', ')}`)
}

/** Instructions of the kernels that `rows` name, of one architecture. */
function listed(library, cuobjdump, arch, rows, symbols) {
  const wanted = [...symbols.keys()].filter((symbol) => rows.some((row) => isInstance(symbol, row)))
  if (wanted.length === 0) return new Map()
  return parseSass(run(cuobjdump, ['-arch', arch, '-sass', '-fun', wanted.join(','), library], { quiet: true }))
}

if (isMain(import.meta)) {
  await main(() => {
    const library = join(root, 'build/Release/clipwright_cuda.so')
    checkCuda(library, ensureCudaToolkit().cuobjdump, { list: true })
  })
}
