/** `clipwright bench loss`: the contrastive loss by itself. */
import type { Command } from 'commander'
import type { BenchLossOptions, BenchLossResult } from '../../bench/loss.js'
import { JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'
import { addThreads, DEVICE, precision } from './options.js'

type Flags = BenchLossOptions & { json?: boolean }

export function addBenchLoss(bench: Command): void {
  const command = bench
    .command('loss')
    .description(
      'InfoNCE of random features, forward and backward, and the memory that it takes beside them and their gradients.',
    )
    .option('--batch-size <n>', 'pairs', positiveNumber, 16384)
    .option('--dim <d>', 'of the features', positiveNumber, 512)
    .addOption(precision('what features are rounded to before they are multiplied', 'fp32'))
    .option(...DEVICE)
    .option('--steps <n>', 'how many are measured, after warming up', positiveNumber, 3)
  addThreads(command)
    .option(...JSON_OPTION)
    .addHelpText('after', examples('bench loss --batch-size 16384 --dim 512 --precision bf16'))
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchLoss } = await import('../../bench/loss.js')
  printResult(json, await asked(command, () => benchLoss(options)), lossText)
}

function lossText(r: BenchLossResult): string {
  return [
    `${r.seconds.toPrecision(3)} s forward and backward on ${r.device}`,
    `${r.gflops.toFixed(0)} GFLOP/s`,
    `${r.extraMiB.toFixed(1)} MiB ${r.measured ? 'measured' : 'planned'} beside ${r.featuresMiB.toFixed(1)} MiB of features and their gradients`,
  ].join(', ')
}
