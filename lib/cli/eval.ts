/** `clipwright eval`: retrieval on captioned pictures, or classes by their names, and by what protocol it was measured. */
import { type Command, Option } from 'commander'
import { type ProtocolName, protocols } from '../data/protocols.js'
import { templatesFrom } from '../eval/zero-shot/templates.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  addSizes,
  addTruncation,
  collect,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  picturePath,
  positiveNumber,
  type RunFlags,
  runOptions,
  TEMPLATES_OPTION,
  type TruncationFlag,
  wholeNumber,
} from './arguments.js'
import { examples } from './examples.js'
import { isFirstRank } from './first-rank.js'
import { EXIT_USAGE, listSkipped, printResult, warn } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags &
  TruncationFlag & {
    model: string
    data?: string
    zeroShot?: string
    templates?: string[]
    plot?: string
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

export function addEval(command: Command): void {
  command
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option(
      '--data <path>',
      "JSON, JSON Lines or CSV of { image, caption }, Karpathy's or COCO's JSON, Chinese-CLIP's folder, tar shards, Parquet, or a folder of pictures with .txt beside them",
    )
    .option('--zero-shot <folder>', 'instead of --data: a folder of pictures for each class, told by its name')
    .option(...TEMPLATES_OPTION, collect)
    .option('--plot <file.png>', 'with --zero-shot: draw which classes are taken for which; or file.svg', picturePath)
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
  addRunOptions(addSizes(addTruncation(command)))
    .addHelpText(
      'after',
      examples(
        'eval --model runs/a/checkpoints/best --data val.json',
        'eval --model my-clip --zero-shot pets/ --plot pets.png \\\n    --templates "a photo of a {}"',
        'eval --model clip_cn.pt --data MUGE --split valid \\\n    --architecture ViT-B-16@RoBERTa-wwm-ext-base-chinese',
      ),
    )
    .action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const refuse = (what: string) => command.error(`error: ${what}.`, { exitCode: EXIT_USAGE })
  if ((flags.data === undefined) === (flags.zeroShot === undefined)) refuse('expected either --data or --zero-shot')
  const others = flags.zeroShot === undefined ? OF_CLASSES : OF_CAPTIONS
  const wrong = others.find((name) => flags[name] !== undefined)
  if (wrong) {
    const flag = command.options.find((option) => option.attributeName() === wrong)!.long
    refuse(`${flag} belongs to ${flags.zeroShot === undefined ? '--zero-shot' : '--data'}`)
  }
  return flags.zeroShot === undefined ? evalCaptions(flags, command) : evalClasses(flags, command)
}

/** Flags that only one of the two has. */
const OF_CLASSES = ['templates', 'plot'] as const
const OF_CAPTIONS = [
  'split',
  'protocol',
  'imageKey',
  'captionKey',
  'absolutePaths',
  'preCaption',
  'prompt',
  'truncation',
] as const

async function evalCaptions(flags: Flags, command: Command): Promise<void> {
  const [{ evaluateModelOn }, { together }, { evaluationText }, { withProgress }] = await Promise.all([
    import('../eval/evaluate-model.js'),
    import('../ranks/together.js'),
    import('./eval-text.js'),
    import('./count-progress.js'),
  ])
  const { model, data, json, bootstrap: samples, seed, ...given } = flags
  const { split, protocol, imageKey, captionKey, absolutePaths, preCaption, prompt, truncation, batchSize, skipBad } =
    given
  const bootstrap = samples > 0 ? { samples, seed } : undefined
  const how = {
    split,
    protocol,
    imageKey,
    captionKey,
    absolutePaths,
    preCaption,
    prompt,
    truncation,
    batchSize,
    skipBad,
    bootstrap,
  }
  const result = await withProgress((onProgress) =>
    asked(command, () =>
      together((world) => evaluateModelOn(world, model, data!, { ...how, onProgress, load: runOptions(flags) })),
    ),
  )
  if (!isFirstRank()) return
  listSkipped(result.skipped)
  for (const warning of result.warnings) warn(warning)
  printResult(json, result, evaluationText)
}

async function evalClasses(flags: Flags, command: Command): Promise<void> {
  const [{ evaluateZeroShot }, { zeroShotText }, { withProgress }] = await Promise.all([
    import('../eval/zero-shot/evaluate-zero-shot.js'),
    import('./zero-shot-text.js'),
    import('./count-progress.js'),
  ])
  const { model, zeroShot, bootstrap: samples, seed, batchSize, skipBad, plot } = flags
  const how = {
    templates: templatesFrom(flags.templates),
    batchSize,
    skipBad,
    bootstrap: samples > 0 ? { samples, seed } : undefined,
    load: runOptions(flags),
  }
  const result = await withProgress((onProgress) =>
    asked(command, () => evaluateZeroShot(model, zeroShot!, { ...how, onProgress })),
  )
  listSkipped(result.skipped)
  for (const warning of result.warnings) warn(warning)
  if (plot !== undefined) {
    const { writeConfusionPicture } = await import('../report/confusion-picture.js')
    const title = `Zero-shot: top-1 ${result.top1.toFixed(1)} %, mean per class ${result.meanPerClass.toFixed(1)} %`
    const classes = result.classes.map(({ name }) => name)
    const lacking = await writeConfusionPicture(plot, { title, classes, counts: result.confusion })
    if (lacking) warn(lacking)
  }
  printResult(flags.json, result, zeroShotText)
}
