/** `clipwright probe`: a linear classifier on frozen features. */
import type { Command } from 'commander'
import type { ProbeResult } from '../eval/probe/linear-probe.js'
import { table } from '../report/table.js'
import {
  ARCHITECTURE_OPTION,
  addImageSize,
  addRunOptions,
  decimal,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  positiveNumber,
  positiveNumbers,
  type RunFlags,
  runOptions,
  wholeNumber,
} from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & {
  model: string
  train: string
  val: string
  test?: string
  l2?: number
  shots?: number[]
  seed: number
  normalize?: boolean
  batchSize?: number
  json?: boolean
}

export function addProbe(command: Command): void {
  command
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .requiredOption('--train <folder>', 'pictures to learn from, in a folder for each class')
    .requiredOption('--val <folder>', 'pictures that choose the regularisation, likewise')
    .option('--test <folder>', 'pictures to measure on, likewise (default: those of --val)')
    .option(
      '--shots <n,n>',
      'learn from so many pictures of each class, as in 1,2,4,8,16, besides all',
      positiveNumbers,
    )
    .option('--seed <n>', 'draws what few shots learn from', wholeNumber, 0)
    .option('--l2 <x>', 'take this regularisation (1 / C in scikit-learn) instead of the best', decimal)
    .option('--normalize', 'features of length 1, instead of as they come')
    .option('--batch-size <n>', 'pictures at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(addImageSize(command))
    .addHelpText(
      'after',
      examples(
        'probe --model my-clip --train pets/train --val pets/val',
        'probe --model my-clip --train a --val b --test c --shots 1,2,4,8,16',
      ),
    )
    .action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const [{ linearProbe }, { withProgress }] = await Promise.all([
    import('../eval/probe/linear-probe.js'),
    import('./count-progress.js'),
  ])
  const { model, train, val, test, l2, shots, seed, normalize, batchSize } = flags
  const how = { model, test, l2, shots, seed, normalize, batchSize, load: runOptions(flags) }
  const result = await withProgress((onProgress) =>
    asked(command, () => linearProbe(train, val, { ...how, onProgress })),
  )
  // A classifier's numbers are many, and nobody reads them.
  const { weights: _, bias: __, ...shown } = result
  printResult(flags.json, shown, probeText)
}

type Shown = Omit<ProbeResult, 'weights' | 'bias'>

const percent = (x: number) => x.toFixed(2)

function probeText(r: Shown): string {
  const row = (title: string, of: { top1: number; meanPerClass: number; l2: number }) => [
    title,
    percent(of.top1),
    percent(of.meanPerClass),
    of.l2.toPrecision(3),
  ]
  const fitted = r.images.test === undefined ? r.images.train : r.images.train + r.images.val
  const { images, on } = r
  return [
    `${r.classes.length} classes; measured on ${on === 'test' ? images.test : images.val} pictures (${on}), percent`,
    table(
      ['learned from', 'top-1', 'mean per class', 'l2'],
      [...(r.fewShot ?? []).map((few) => row(`${few.shots} a class`, few)), row(`all ${fitted}`, r)],
    ),
    ...(r.tried.length > 0 ? [`l2 is the best of ${r.tried.length} tried on ${images.val} validation pictures`] : []),
    ...(on === 'val' && r.tried.length > 0
      ? ['It was chosen by what it is measured on: take --test for a fair figure.']
      : []),
    ...(r.converged ? [] : [`The fit was stopped after ${r.iterations} iterations, before it had converged.`]),
  ].join('\n')
}
