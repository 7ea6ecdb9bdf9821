/** `clipwright bench step`: a whole training step. */
import type { Command } from 'commander'
import type { BenchStepOptions, BenchStepResult } from '../../bench/step.js'
import { JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { isFirstRank } from '../first-rank.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'
import { addTrainingOptions } from './options.js'

type Flags = BenchStepOptions & { json?: boolean }

export function addBenchStep(bench: Command): void {
  const command = bench
    .command('step')
    .description(
      'A whole training step: uint8 images, captions of one length, forward, backward, AdamW. On the CPU the best of several; on a card their throughput with one step ahead, as in training.',
    )
  addTrainingOptions(command)
    .option('--steps <n>', 'how many steps are measured, after warming up', positiveNumber, 5)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'bench step --model ViT-B-32 --batch-size 64 --precision bf16',
        'bench step --model ViT-L-14 --micro-batch 16 --checkpointing --json',
      ),
    )
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchStep } = await import('../../bench/step.js')
  const result = await asked(command, () => benchStep(options))
  if (isFirstRank()) printResult(json, result, (r) => stepText(r, options.steps!))
}

function stepText(r: BenchStepResult, steps: number): string {
  return [
    `${r.pairsPerSecond.toFixed(2)} pairs/s on ${r.device}`,
    ...(r.latencyMs === undefined ? [`${r.stepMs.toFixed(0)} ms per step (best of ${steps})`] : cardTexts(r, steps)),
    `${r.gflops.toFixed(0)} GFLOP/s`,
    ...(r.onednnGflops
      ? [`${(100 * r.shareOfOnednn!).toFixed(0)} % of oneDNN's ${r.onednnGflops.toFixed(0)} alone`]
      : []),
    `peak ${r.peakRssMiB.toFixed(0)} MiB`,
    ...(r.ranks === undefined ? [] : [`${r.ranks} ranks, of which this is the first`]),
  ].join(', ')
}

function cardTexts(r: BenchStepResult, steps: number): string[] {
  const ms = (x: number) => `${x.toFixed(1)} ms`
  return [
    `${ms(r.stepMs)} per step (mean of ${steps} with one ahead, median ${ms(r.medianStepMs)})`,
    ...(r.deviceMs === undefined ? [] : [`${ms(r.deviceMs)} of it the card's work, ${ms(r.hostGapMs!)} waiting`]),
    `${ms(r.latencyMs!)} for a lone step`,
  ]
}
