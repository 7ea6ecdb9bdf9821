/** `clipwright interpolate`: weights between those of two checkpoints, and what they retrieve. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { InterpolationSweep } from '../eval/interpolation-sweep.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import { table } from '../report/table.js'
import { whole } from '../report/wrap-words.js'
import { alphaRange } from './alpha-range.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  collect,
  JSON_OPTION,
  picturePath,
  positiveNumber,
  type RunFlags,
  runOptions,
} from './arguments.js'
import { examples } from './examples.js'
import { EXIT_USAGE, printResult, warn } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & {
  alpha: number[]
  out?: string
  dtype?: Precision
  val?: string[]
  plot?: string
  batchSize?: number
  json?: boolean
}

export function addInterpolate(command: Command): void {
  command
    .argument('<A>', 'a checkpoint in any layout; alpha 0')
    .argument('<B>', 'another one; alpha 1')
    .option(...ARCHITECTURE_OPTION)
    .option('--key <name>', 'which entry holds the weights, in those of the two files that have it')
    .requiredOption('--alpha <x>', 'where between them, 0 to 1; or several as from:to:step', alphas)
    .option('--out <path>', 'folder or file.safetensors to write; of several alphas the best on average')
    .addOption(new Option('--dtype <type>', 'of the weights that are written (default: fp32)').choices(PRECISIONS))
    .option('--val <list>', 'measure recall on this list; may be given several times', collect)
    .option('--plot <file.png>', 'draw the recall on each list by alpha; or file.svg', picturePath)
    .option('--batch-size <n>', 'pictures or captions at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(command)
    .addHelpText(
      'after',
      examples(
        'interpolate my-clip tuned --alpha 0.5 --out between',
        'interpolate my-clip tuned --alpha 0:1:0.1 \\\n    --val mine.json --val others.json --plot both.png --out best',
      ),
    )
    .action(run)
}

function alphas(text: string): number[] {
  const values = alphaRange(text)
  if (values) return values
  throw new InvalidArgumentError('Expected a number from 0 to 1, or from:to:step as in 0:1:0.1.')
}

async function run(a: string, b: string, flags: Flags, command: Command): Promise<void> {
  const refuse = (what: string) => command.error(`error: expected ${what}.`, { exitCode: EXIT_USAGE })
  const { alpha, out, dtype, val, plot, batchSize, json, architecture: model, key, offline } = flags
  if (!val) {
    if (alpha.length > 1) refuse('--val with several alphas: a list to measure them on')
    if (plot !== undefined) refuse('--val with --plot')
    if (out === undefined) refuse('--out, or --val to measure without writing')
    const { interpolate } = await import('../clip/interpolate.js')
    const written = await asked(command, () =>
      interpolate(a, b, { alpha: alpha[0]!, out: out!, dtype, model, key, offline }),
    )
    return printResult(json, written, (w) => `${w.out} holds ${w.parameters} parameters at alpha ${w.alpha}.`)
  }
  const [{ interpolationSweep }, { withProgress }] = await Promise.all([
    import('../eval/interpolation-sweep.js'),
    import('./count-progress.js'),
  ])
  const { architecture: _, key: __, ...runs } = flags
  const how = { alphas: alpha, val, out, dtype, model, key, batchSize, load: runOptions(runs) }
  const sweep = await withProgress((onProgress) =>
    asked(command, () => interpolationSweep(a, b, { ...how, onProgress })),
  )
  if (plot !== undefined) {
    const { writeSweepPicture } = await import('../report/sweep-chart.js')
    const lacking = await writeSweepPicture(plot, sweep)
    if (lacking) warn(lacking)
  }
  printResult(json, sweep, sweepText)
}

const percent = (x: number) => x.toFixed(2)

function sweepText({ val, rows, best, out }: InterpolationSweep): string {
  return [
    'mean recall in percent',
    ...val.map((path, i) => `  list ${i + 1}: ${whole(path)}`),
    table(
      ['alpha', ...val.map((_, i) => `list ${i + 1}`), 'mean'],
      rows.map(({ alpha, recall, mean }) => [alpha, ...recall.map((r) => percent(r.r_mean)), percent(mean)]),
    ),
    `best on average: alpha ${best.alpha}${out === undefined ? '' : `, written to ${out}`}`,
  ].join('\n')
}
