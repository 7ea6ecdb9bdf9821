/** `clipwright doctor`: what this machine offers, and what of it is used. */
import type { Command } from 'commander'
import type { Machine } from '../native/machine.js'
import { table } from '../report/table.js'
import { JSON_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('What this machine offers: processor, memory, CUDA driver, cards and libraries, and what is missing.')
    .option(...JSON_OPTION)
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(run)
}

async function run(flags: { json?: boolean }): Promise<void> {
  const { examineMachine } = await import('../native/machine.js')
  printResult(flags.json, await examineMachine(), machineText)
}

function machineText(r: Machine): string {
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
