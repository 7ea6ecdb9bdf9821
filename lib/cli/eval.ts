/** `clipwright eval`: retrieval on captioned pictures, and by what protocol it was measured. */
import { type Command, Option } from 'commander'
import { type ProtocolName, protocols } from '../data/protocols.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
  wholeNumber,
} from './arguments.js'
import { examples } from './examples.js'
import { listSkipped, printResult } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & {
  model: string
  data: string
  split?: string
  protocol?: ProtocolName
  absolutePaths?: boolean
  imageKey?: string
  captionKey?: string
  preCaption?: boolean
  prompt?: string
  bootstrap: number
  seed: number
  batchSize?: number
  skipBad?: boolean
  json?: boolean
}

export function addEval(program: Command): void {
  const command = program
    .command('eval')
    .description(
      'Recall at 1, 5 and 10 in both directions, with its 95 % interval and the protocol it was measured by.',
    )
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .requiredOption(
      '--data <path>',
      "JSON, JSON Lines or CSV of { image, caption }, Karpathy's or COCO's JSON, or Chinese-CLIP's folder",
    )
    .option('--split <name>', 'which part of --data, where it has several (default: test)')
    .addOption(
      new Option(
        '--protocol <name>',
        "flickr expects five captions per picture (default: flickr for Karpathy's and COCO's JSON, muge for Chinese-CLIP's folder, else any)",
      ).choices(Object.keys(protocols)),
    )
    .option('--image-key <name>', "of lists and tables: where the picture's path is (default: image or filepath)")
    .option('--caption-key <name>', 'of lists and tables: where its caption is (default: caption or title)')
    .option('--absolute-paths', "allow pictures outside the list's folder")
    .option('--pre-caption', 'clean captions as the reference system does (`preCaption`)')
    .option('--prompt <template>', 'put each caption in place of {}, as in "a photo of {}"')
    .option(
      '--bootstrap <n>',
      'how many sets of pictures are drawn for the intervals; 0: no intervals',
      wholeNumber,
      1000,
    )
    .option('--seed <n>', 'seed of the drawing of these sets', wholeNumber, 0)
    .option('--batch-size <n>', 'pictures or captions at a time', positiveNumber)
    .option('--skip-bad', 'list pictures that cannot be read and leave them out, instead of failing')
    .option(...JSON_OPTION)
  addRunOptions(command)
    .addHelpText(
      'after',
      examples(
        'eval --model runs/a/checkpoints/best --data val.json',
        'eval --model clip_cn.pt --data MUGE --split valid \\\n    --architecture ViT-B-16@RoBERTa-wwm-ext-base-chinese',
      ),
    )
    .action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const [{ evaluateModel }, { evaluationText }, { withProgress }] = await Promise.all([
    import('../eval/evaluate-model.js'),
    import('./eval-text.js'),
    import('./count-progress.js'),
  ])
  const { model, data, json, bootstrap: samples, seed, ...given } = flags
  const { split, protocol, imageKey, captionKey, absolutePaths, preCaption, prompt, batchSize, skipBad } = given
  const bootstrap = samples > 0 ? { samples, seed } : undefined
  const how = {
    split,
    protocol,
    imageKey,
    captionKey,
    absolutePaths,
    preCaption,
    prompt,
    batchSize,
    skipBad,
    bootstrap,
  }
  const result = await withProgress((onProgress) =>
    asked(command, evaluateModel(model, data, { ...how, onProgress, load: runOptions(flags) })),
  )
  listSkipped(result.skipped)
  for (const warning of result.warnings) process.stderr.write(`warning: ${warning}\n`)
  printResult(json, result, evaluationText)
}
