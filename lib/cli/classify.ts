/** `clipwright classify`: pictures told by classes that only have names. */
import type { Command } from 'commander'
import type { ClassifiedFile } from '../eval/zero-shot/classify-files.js'
import { templatesFrom } from '../eval/zero-shot/templates.js'
import { cutTo } from '../report/columns.js'
import { whole } from '../report/wrap-words.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  addSizes,
  collect,
  decimal,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
  TEMPLATES_OPTION,
} from './arguments.js'
import { examples } from './examples.js'
import { EXIT_USAGE, listSkipped, printResult } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & {
  model: string
  classes?: string
  classesFile?: string
  templates?: string[]
  topK?: number
  threshold?: number
  batchSize?: number
  skipBad?: boolean
  json?: boolean
}

export function addClassify(command: Command): void {
  command
    .argument('<pictures...>', 'files, folders or patterns such as "photos/**/*.jpg"')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option('--classes <a,b,c>', "names between commas; imagenet: ImageNet's 1000")
    .option('--classes-file <file>', 'a file of one name per line')
    .option(...TEMPLATES_OPTION, collect)
    .option('--top-k <n>', 'show the n most probable classes (default: 5, with --threshold all)', positiveNumber)
    .option('--threshold <p>', 'show all classes of at least this probability: several, one or none', decimal)
    .option('--batch-size <n>', 'pictures or texts at a time', positiveNumber)
    .option('--skip-bad', 'list pictures that cannot be read and leave them out (default: of folders)')
    .option('--no-skip-bad', 'fail at the first picture that cannot be read')
    .option(...JSON_OPTION)
  addRunOptions(addSizes(command))
    .addHelpText(
      'after',
      examples(
        'classify cat.jpg --model my-clip --classes cat,dog,horse',
        'classify photos/ --model my-clip --classes-file labels.txt \\\n    --templates "a photo of a {}" --threshold 0.2',
        'classify a/ --model my-clip --classes imagenet --templates imagenet',
      ),
    )
    .action(run)
}

async function run(pictures: string[], flags: Flags, command: Command): Promise<void> {
  if ((flags.classes === undefined) === (flags.classesFile === undefined)) {
    command.error('error: expected either --classes or --classes-file.', { exitCode: EXIT_USAGE })
  }
  const [{ classifyFiles }, { withProgress }] = await Promise.all([
    import('../eval/zero-shot/classify-files.js'),
    import('./count-progress.js'),
  ])
  const { model, topK, threshold, batchSize, skipBad, classesFile } = flags
  const how = {
    pictures,
    classes: flags.classes === undefined ? undefined : await namesIn(flags.classes),
    classesFile,
    templates: templatesFrom(flags.templates),
    topK,
    threshold,
    batchSize,
    skipBad,
    load: runOptions(flags),
  }
  const result = await withProgress((onProgress) => asked(command, () => classifyFiles(model, { ...how, onProgress })))
  listSkipped(result.skipped)
  printResult(flags.json, result.pictures, (found, width) =>
    [classesText(found, width), ...(onlyOne(found, flags) ? [ALONE] : [])].join('\n'),
  )
}

/** A list of one name, which could only be right, stands for a list that has a name. */
async function namesIn(list: string): Promise<string[]> {
  if (list !== 'imagenet') return list.split(',').map((name) => name.trim())
  const { imagenetClassNames } = await import('../eval/zero-shot/templates.js')
  return imagenetClassNames()
}

function classesText(pictures: readonly ClassifiedFile[], width: number): string {
  return pictures
    .flatMap(({ image, results }) => [
      whole(image),
      ...results.map(({ label, probability }) => line(label, probability, width)),
      ...(results.length === 0 ? ['  no class is that probable'] : []),
    ])
    .join('\n')
}

const ALONE = 'A softmax needs rivals: the probability of one class alone is always 100 %. Give further classes.'

/** Whether there was one class, not one that was left of several. */
function onlyOne(pictures: readonly ClassifiedFile[], { topK, threshold }: Pick<Flags, 'topK' | 'threshold'>): boolean {
  return threshold === undefined && topK !== 1 && pictures.every(({ results }) => results.length === 1)
}

function line(label: string, probability: number, width: number): string {
  const start = `  ${(100 * probability).toFixed(1).padStart(5)} %  `
  return start + cutTo(width - start.length, label.replace(/\p{Cc}+/gu, ' '))
}
