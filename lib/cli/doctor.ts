/** `clipwright doctor`: what this machine offers, and what of it is used. */
import { arch, cpus, freemem, platform, totalmem } from 'node:os'
import type { Command } from 'commander'
import { table } from '../report/table.js'
import { JSON_OPTION } from './arguments.js'
import { printResult } from './output.js'

type Card = {
  device: string
  name: string
  computeCapability: string
  memoryMiB: number
  freeMiB: number
}

type Report = {
  clipwright: string
  node: string
  platform: string
  /** What `device: 'auto'` means here. */
  device: string
  cpu: { model: string; threads: number; isa: string; fastBf16: boolean; onednn: string }
  memory: { totalMiB: number; freeMiB: number }
  /** `problem`: why no card can be used; null when one can. */
  cuda: {
    driver: string | null
    runtime: string | null
    cublaslt: string | null
    cards: Card[]
    problem: string | null
  }
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('What this machine offers: processor, memory, CUDA driver, cards and libraries, and what is missing.')
    .option(...JSON_OPTION)
    .action(async (flags: { json?: boolean }) => printResult(flags.json, await examine(program.version()!), describe))
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

async function examine(clipwright: string): Promise<Report> {
  const { callNative, native } = await import('../native/addon.js')
  const { isa, fastBf16, threads, onednn } = native().info()
  const cuda = await callNative(() => native().describeCuda())
  const cards = cuda.cards.map(({ name, bytes, freeBytes, computeCapability }, i) => ({
    device: `cuda:${i}`,
    name,
    computeCapability,
    memoryMiB: mebibytes(bytes),
    freeMiB: mebibytes(freeBytes),
  }))
  return {
    clipwright,
    node: process.versions.node,
    platform: `${platform()}-${arch()}`,
    device: cuda.problem ? 'cpu' : 'cuda:0',
    cpu: { model: cpus()[0]?.model ?? 'unknown', threads, isa, fastBf16, onednn },
    memory: { totalMiB: mebibytes(totalmem()), freeMiB: mebibytes(freemem()) },
    cuda: {
      driver: cuda.driver || null,
      runtime: cuda.runtime || null,
      cublaslt: cuda.cublaslt || null,
      cards,
      problem: cuda.problem || null,
    },
  }
}

function describe(r: Report): string {
  const { cpu, memory, cuda } = r
  const version = (name: string, value: string | null) => (value ? `${name} ${value}` : `no ${name}`)
  const lines = [
    `clipwright ${r.clipwright}, Node ${r.node}, ${r.platform}; device 'auto' is ${r.device}`,
    `processor  ${cpu.model}, ${cpu.threads} threads, kernels for ${cpu.isa}, oneDNN ${cpu.onednn}`,
    `           ${cpu.fastBf16 ? 'bf16 is the fastest precision' : 'fp32 is the fastest precision: bf16 products are no faster here'}`,
    `memory     ${memory.freeMiB} of ${memory.totalMiB} MiB free`,
    `CUDA       ${version('driver', cuda.driver)}, ${version('runtime', cuda.runtime)}, ${version('cuBLASLt', cuda.cublaslt)}`,
  ]
  if (cuda.cards.length > 0) {
    const rows = cuda.cards.map((c) => [c.device, c.name, c.computeCapability, c.memoryMiB, c.freeMiB])
    lines.push('', table(['device', 'card', 'compute capability', 'MiB', 'free'], rows), '')
  }
  if (cuda.problem) lines.push(`           ${cuda.problem}`)
  return lines.join('\n')
}
