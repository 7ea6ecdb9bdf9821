/** `clipwright encode`: features of pictures or texts into a file. */
import type { Command } from 'commander'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  JSON_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
} from './arguments.js'
import { EXIT_USAGE, printResult } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & {
  model: string
  images?: string[]
  texts?: string
  out: string
  batchSize?: number
  json?: boolean
}

export function addEncode(program: Command): void {
  const command = program
    .command('encode')
    .description('Writes a tensor `embeddings` [n, embed_dim], of length 1, with the ids of its rows in the metadata.')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option('--images <glob...>', 'pictures: paths or patterns such as "photos/**/*.jpg"')
    .option('--texts <file>', 'one text a line')
    .requiredOption('--out <file.safetensors>', 'where to write')
    .option('--batch-size <n>', 'at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const { model, images, texts, out, batchSize } = flags
  if (!images === !texts) command.error('error: expected either --images or --texts', { exitCode: EXIT_USAGE })
  const { encodeFiles } = await import('../clip/encode-files.js')
  const written = await asked(command, encodeFiles(model, { images, texts, out, batchSize, load: runOptions(flags) }))
  printResult(flags.json, written, (r) => `${r.count} embeddings of ${r.dim} numbers in ${r.out}`)
}
