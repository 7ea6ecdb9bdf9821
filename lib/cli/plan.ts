/** `clipwright plan`: what a training step takes of memory, and in which shape it fits. */
import { type Command, Option } from 'commander'
import { memorySize, sizeText } from '../base/bytes.js'
import { counted } from '../base/counted.js'
import { DISTILLATIONS } from '../native/names.js'
import { OPTIMIZERS } from '../optim/defaults.js'
import type { MemoryPlan, PlanOptions } from '../train/plan.js'
import { deviceName, JSON_OPTION, positiveNumber } from './arguments.js'
import { examples } from './examples.js'
import { reading } from './flags.js'
import { printResult } from './output.js'
import { asked } from './usage.js'

type Flags = PlanOptions & { json?: boolean }

export function addPlan(command: Command): void {
  command
    .requiredOption('--model <name>', 'a built-in model')
    .option('--batch-size <n>', 'pairs per step, of all ranks together', positiveNumber, 64)
    .addOption(
      new Option('--precision <type>', 'type of activations and products')
        .choices(['fp32', 'bf16', 'fp16'])
        .default('fp32'),
    )
    .option('--memory <size>', 'what all of it may take on each rank, such as 16G', reading(memorySize))
    .option('--ranks <n>', "processes that share a step's pairs", positiveNumber, 1)
    .option('--tokens <n>', "tokens per caption (default: the model's context)", positiveNumber)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'keep half of the activations, compute the others again')
    .addOption(new Option('--optimizer <name>', 'whose moments are kept').choices(OPTIMIZERS).default('adamw'))
    .option('--distill <name>', 'a built-in model to learn from')
    .addOption(
      new Option('--distill-kind <kind>', "what is held against the teacher's (default: logits)").choices(
        DISTILLATIONS,
      ),
    )
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', deviceName, 'auto')
    .option(...JSON_OPTION)
    .addHelpText('after', examples('plan --model ViT-L-14 --batch-size 4096 --precision bf16 \\\n    --memory 16G'))
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { planTraining } = await import('../train/plan.js')
  printResult(json, await asked(command, () => planTraining(options)), planText)
}

function planText(p: MemoryPlan): string {
  const size = (bytes: number) => sizeText(bytes).padStart(14)
  const how = p.microBatch < p.pairsPerRank ? `${p.microBatch} at a time` : 'all at once'
  return [
    `${counted(p.pairsPerRank, 'pair')} of ${counted(p.tokens, 'token')} on ${p.device}, ${how}${p.checkpointing ? ', with checkpointing' : ''}`,
    `weights     ${size(p.weights)}`,
    `gradients   ${size(p.gradients)}`,
    `moments     ${size(p.moments)}`,
    `activations ${size(p.activations)}`,
    ...(p.teacher === undefined ? [] : [`teacher     ${size(p.teacher)}`]),
    `total       ${size(p.total)}`,
    `A checkpoint is copied before it is written, into ${sizeText(p.savedCopy)} more of`,
    "the computer's memory; where they are not free, steps wait until it is written.",
  ].join('\n')
}
