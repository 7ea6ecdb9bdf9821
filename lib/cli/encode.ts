/** `clipwright encode`: features of pictures or texts into a file. */

import type { Command } from 'commander'
import { counted } from '../base/counted.js'
import type { EncodedFiles } from '../clip/encode-files.js'
import { whole } from '../report/wrap-words.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  addSizes,
  addTruncation,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
  type TruncationFlag,
} from './arguments.js'
import { examples } from './examples.js'
import { isFirstRank } from './first-rank.js'
import { EXIT_USAGE, listSkipped, printResult, warn } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags &
  TruncationFlag & {
    model: string
    images?: string[]
    texts?: string
    out: string
    batchSize?: number
    skipBad?: boolean
    json?: boolean
  }

export function addEncode(command: Command): void {
  command
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option('--images <path...>', 'pictures: files, folders or patterns such as "photos/**/*.jpg"')
    .option('--texts <file>', 'a file of one text per line')
    .requiredOption('--out <file.safetensors>', 'where to write; replaces nothing but older embeddings')
    .option('--batch-size <n>', 'pictures or texts at a time', positiveNumber)
    .option('--skip-bad', 'list pictures that cannot be read and leave them out (default: of folders)')
    .option('--no-skip-bad', 'fail at the first picture that cannot be read')
    .option(...JSON_OPTION)
  addRunOptions(addSizes(addTruncation(command)))
    .addHelpText(
      'after',
      examples(
        'encode --model my-clip --images photos/ --out a.safetensors',
        'encode --model my-clip --texts a.txt --out a.safetensors',
      ),
    )
    .action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const { model, images, texts, out, truncation, batchSize, skipBad } = flags
  if (!images === !texts) command.error('error: expected either --images or --texts.', { exitCode: EXIT_USAGE })
  const [{ encodeFilesOn }, { together }, { withProgress }] = await Promise.all([
    import('../clip/encode-files.js'),
    import('../ranks/together.js'),
    import('./count-progress.js'),
  ])
  const how = { images, texts, out, truncation, batchSize, skipBad, load: runOptions(flags) }
  const written = await withProgress((onProgress) =>
    asked(command, () => together((world) => encodeFilesOn(world, model, { ...how, onProgress }))),
  )
  if (!isFirstRank()) return
  listSkipped(written.skipped)
  written.warnings.forEach(warn)
  printResult(flags.json, written, encodedText)
}

function encodedText({ count, dim, out, skipped }: EncodedFiles): string {
  const left = skipped.length === 0 ? '' : `; ${counted(skipped.length, 'picture')} left out`
  return `${counted(count, 'embedding')} of ${counted(dim, 'number')} in ${whole(out)}${left}`
}
