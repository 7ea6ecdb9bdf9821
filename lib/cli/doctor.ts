/** `clipwright doctor`: what this machine offers, and what of it is used. */
import type { Command } from 'commander'
import type { Machine } from '../native/machine.js'
import { table } from '../report/table.js'
import { hangWords } from '../report/wrap-words.js'
import { JSON_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'

export function addDoctor(command: Command): void {
  command
    .option(...JSON_OPTION)
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(run)
}

async function run(flags: { json?: boolean }): Promise<void> {
  const { examineMachine } = await import('../native/machine.js')
  printResult(flags.json, await examineMachine(), machineText)
}

/** For people; `--json` has the same. */
export function machineText(r: Machine, width = 80): string {
  const entry = (name: string, text: string) => hangWords(name.padEnd(NAME), text, width)
  const { cpu, memory, cuda } = r
  const version = (name: string, value: string | null) => (value ? `${name} ${value}` : `no ${name}`)
  const precision = cpu.fastBf16
    ? 'bf16 is the fastest precision'
    : 'fp32 is the fastest precision: bf16 products are no faster here'
  const lines = [
    `clipwright ${r.clipwright}, Node ${r.node}, ${r.platform}; device 'auto' is ${r.device}`,
    ...entry('processor', `${cpu.model}, ${cpu.threads} threads, kernels for ${cpu.isa}, oneDNN ${cpu.onednn}`),
    ...(cpu.threads < cpu.processors
      ? entry('', `of ${cpu.processors} processors the cgroup allows ${Number(cpu.cgroupProcessors!.toFixed(2))}`)
      : []),
    ...entry('', precision),
    ...entry(
      'memory',
      `${memory.freeMiB} of ${memory.totalMiB} MiB free${memory.cgroupMiB === null ? '' : `; the cgroup allows ${memory.cgroupMiB} MiB`}`,
    ),
    ...entry(
      'CUDA',
      `${version('driver', cuda.driver)}, ${version('runtime', cuda.runtime)}, ${version('cuBLASLt', cuda.cublaslt)}`,
    ),
  ]
  if (cuda.cards.length > 0) {
    const rows = cuda.cards.map((c) => [c.device, c.name, c.computeCapability, c.memoryMiB, c.freeMiB])
    lines.push('', table(['device', 'card', 'compute capability', 'MiB', 'free'], rows, width), '')
  }
  if (cuda.problem) lines.push(...entry('', cuda.problem))
  return lines.join('\n')
}

const NAME = 11
