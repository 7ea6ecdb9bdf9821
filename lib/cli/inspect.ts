/** `clipwright inspect`: what a checkpoint or a file of weights holds. */
import type { Command } from 'commander'
import { table } from '../report/table.js'
import { JSON_OPTION } from './arguments.js'
import { printResult } from './output.js'

type Inspection = {
  path: string
  /** open_clip's configuration; null for tensors that say nothing about a model. */
  model: unknown
  preprocess: unknown
  parameters: number
  bytes: number
  metadata: Record<string, string>
  /** Globals of a pickle that were left alone; nothing of them was run. */
  placeholders: readonly string[]
  tensors: { name: string; dtype: string; shape: readonly number[] }[]
}

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
  printResult(flags.json, await inspect(path), describe)
}

async function inspect(path: string): Promise<Inspection> {
  const { openForInspection } = await import('../checkpoint/inspect.js')
  const { description, weights } = await openForInspection(path)
  try {
    const tensors = [...weights.entries].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
    const counts = tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1))
    return {
      path: weights.path,
      model: description?.config ?? null,
      preprocess: description?.preprocess ?? null,
      parameters: counts.reduce((a, b) => a + b, 0),
      bytes: [...weights.entries.values()].reduce((a, e) => a + e.byteLength, 0),
      metadata: { ...weights.metadata },
      placeholders: weights.placeholders ?? [],
      tensors,
    }
  } finally {
    await weights.close()
  }
}

function describe(i: Inspection): string {
  const head = [
    i.path,
    `${i.tensors.length} tensors, ${(i.parameters / 1e6).toFixed(2)} M parameters, ${(i.bytes / 2 ** 20).toFixed(1)} MiB`,
  ]
  if (i.model) head.push(`model ${JSON.stringify(i.model)}`, `preprocess ${JSON.stringify(i.preprocess)}`)
  if (i.placeholders.length > 0) {
    head.push(`left alone, nothing of it was run: ${i.placeholders.join(', ')}`)
  }
  const rows = i.tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`])
  return [...head, '', table(['name', 'dtype', 'shape'], rows)].join('\n')
}
