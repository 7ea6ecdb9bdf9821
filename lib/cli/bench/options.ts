/** Flags that several subjects of `clipwright bench` take. */
import { type Command, Option } from 'commander'
import { PRECISIONS, type Precision } from '../../native/names.js'
import { deviceName, positiveNumber } from '../arguments.js'

export const THREADS = '--threads <n>'
export const DEVICE = ['--device <device>', 'auto, cpu, cuda or cuda:N', deviceName, 'auto'] as const

export const precision = (help: string, usual: Precision, choices: readonly string[] = PRECISIONS) =>
  new Option('--precision <type>', help).choices(choices).default(usual)

export const addThreads = (command: Command) =>
  command.option(THREADS, 'threads of the model (default: as many as the process may keep busy)', positiveNumber)

/** What a training step is like. */
export function addTrainingOptions(command: Command): Command {
  command
    .option('--model <name>', 'a built-in model', 'ViT-B-32')
    .option(...DEVICE)
    .option('--batch-size <n>', 'pairs per step', positiveNumber, 64)
    .addOption(precision('type of activations and products', 'bf16'))
    .option('--tokens <n>', 'tokens per caption, the first and last included', positiveNumber, 20)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'keep half of the activations, compute the others again')
    .option('--lora-rank <n>', 'adapters of this rank learn, and nothing else', positiveNumber)
    .option('--lock-image', 'the image tower stays as it is')
    .option('--lock-image-unlocked-groups <n>', 'but for its last groups', positiveNumber)
    .option('--lock-text', 'the text tower stays as it is')
    .option('--full-context', "compute the padding's rows, too; not for a BERT, which masks them")
  return addThreads(command)
}
