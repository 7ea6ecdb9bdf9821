/** `clipwright bench`: how fast this machine is. */
import { type Command, Option } from 'commander'
import type { BenchStepOptions, BenchStepResult } from '../bench/step.js'
import { deviceName, JSON_OPTION, positiveNumber } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'
import { asked } from './usage.js'

type Flags = BenchStepOptions & { json?: boolean }

export function addBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('How fast this machine is.')
    .addHelpText('after', examples('bench step --model ViT-B-32 --batch-size 64 --precision bf16'))
  bench
    .command('step')
    .description(
      'A whole training step: uint8 images, captions of one length, forward, backward, AdamW. On the CPU the best of several; on a card their throughput with one step ahead, as in training.',
    )
    .option('--model <name>', 'a built-in model', 'ViT-B-32')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', deviceName, 'auto')
    .option('--batch-size <n>', 'pairs per step', positiveNumber, 64)
    .addOption(
      new Option('--precision <type>', 'type of activations and products')
        .choices(['fp32', 'bf16', 'fp16'])
        .default('bf16'),
    )
    .option('--tokens <n>', 'tokens per caption, the first and last included', positiveNumber, 20)
    .option('--steps <n>', 'how many steps are measured, after warming up', positiveNumber, 5)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'recompute blocks in the backward pass')
    .option('--lora-rank <n>', 'adapters of this rank learn, and nothing else', positiveNumber)
    .option('--lock-image', 'the image tower stays as it is')
    .option('--lock-image-unlocked-groups <n>', 'but for its last groups', positiveNumber)
    .option('--lock-text', 'the text tower stays as it is')
    .option('--full-context', "compute the padding's rows, too; not for a BERT, which masks them")
    .option('--threads <n>', 'threads of the model (default: as many as the machine has)', positiveNumber)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'bench step --model ViT-B-32 --batch-size 64 --precision bf16',
        'bench step --model ViT-L-14 --micro-batch 16 --checkpointing --json',
      ),
    )
    .action(runStep)
}

async function runStep({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchStep } = await import('../bench/step.js')
  printResult(json, await asked(command, benchStep(options)), (r) => stepText(r, options.steps!))
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
