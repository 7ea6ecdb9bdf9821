/** `clipwright inspect`: what a checkpoint or a file of weights holds. */
import type { Command } from 'commander'
import type { Inspection } from '../checkpoint/inspect.js'
import { table } from '../report/table.js'
import { JSON_OPTION } from './arguments.js'
import { printResult } from './output.js'

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description(
      'Model, tensors and metadata of a checkpoint folder or a file of weights (.safetensors, .pt, .pth, .bin).',
    )
    .argument('<path>', 'a folder or a file')
    .option(...JSON_OPTION)
    .action(run)
}

async function run(path: string, flags: { json?: boolean }): Promise<void> {
  const { inspectModel } = await import('../checkpoint/inspect.js')
  printResult(flags.json, await inspectModel(path), inspectionText)
}

function inspectionText(i: Inspection): string {
  const head = [
    i.path,
    `${i.tensors.length} tensors, ${(i.parameters / 1e6).toFixed(2)} M parameters, ${(i.bytes / 2 ** 20).toFixed(1)} MiB`,
  ]
  if (i.model) head.push(`model ${JSON.stringify(i.model)}`, `preprocess ${JSON.stringify(i.preprocess)}`)
  const rows = i.tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`])
  return [...head, '', table(['name', 'dtype', 'shape'], rows)].join('\n')
}
