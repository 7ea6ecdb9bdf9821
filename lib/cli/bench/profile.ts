/** `clipwright bench profile`: where a training step's time goes. */
import type { Command } from 'commander'
import type { BenchProfileOptions, BenchProfileResult } from '../../bench/profile.js'
import { table } from '../../report/table.js'
import { JSON_OPTION, picturePath, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { isFirstRank } from '../first-rank.js'
import { printResult, warn } from '../output.js'
import { asked } from '../usage.js'
import { addTrainingOptions } from './options.js'

type Flags = BenchProfileOptions & { out?: string; json?: boolean }

export function addBenchProfile(bench: Command): void {
  const command = bench
    .command('profile')
    .description(
      'A training step by operation: time, arithmetic, traffic, and on the CPU the share that each reaches of what the machine can do.',
    )
  addTrainingOptions(command)
    .option('--steps <n>', 'how many steps are profiled, after warming up', positiveNumber, 3)
    .option('--out <file.png>', 'draw it; or file.svg', picturePath)
    .option(...JSON_OPTION)
    .addHelpText('after', examples('bench profile --model ViT-B-32 --precision bf16 --out profile.png'))
    .action(run)
}

async function run({ json, out, ...options }: Flags, command: Command): Promise<void> {
  const { benchProfile } = await import('../../bench/profile.js')
  const profile = await asked(command, () => benchProfile(options))
  if (!isFirstRank()) return
  if (out !== undefined) {
    const { writeProfilePicture } = await import('../../report/profile-picture.js')
    const title = `A step of ${options.model}, ${options.batchSize} pairs, ${options.precision}`
    const lacking = await writeProfilePicture(out, title, profile)
    if (lacking) warn(lacking)
  }
  printResult(json, profile, profileText)
}

const percent = (x: number) => (100 * x).toFixed(1)

function profileText({ device, stepMs, restMs, ceilings, ops }: BenchProfileResult, width: number): string {
  const headings = ['op', 'calls', 'ms', '% of step', 'GFLOP', 'GB', 'GFLOP/s', 'GB/s']
  const rows = ops.map((op) => [
    op.name,
    op.calls,
    op.ms.toFixed(2),
    percent(op.share),
    op.gflop.toFixed(2),
    op.gb.toFixed(3),
    ((1000 * op.gflop) / op.ms).toFixed(0),
    ((1000 * op.gb) / op.ms).toFixed(1),
    ...(op.ofCeiling === undefined ? [] : [percent(op.ofCeiling)]),
  ])
  return [
    table(ceilings ? [...headings, '% of ceiling'] : headings, rows, width),
    `${stepMs.toFixed(1)} ms per step on ${device}, ${restMs.toFixed(1)} ms of it outside of operations`,
    ...(ceilings
      ? [
          `ceilings: ${ceilings.gflops.toFixed(0)} GFLOP/s of products, ${ceilings.gbPerSecond.toFixed(1)} GB/s of memory`,
        ]
      : []),
  ].join('\n')
}
