/** `clipwright bench infer`: one tower, forward. */
import { type Command, Option } from 'commander'
import type { BenchInferOptions, BenchInferResult } from '../../bench/infer.js'
import { ENCODING_PRECISIONS } from '../../native/names.js'
import { decimal, JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'
import { addThreads, DEVICE, precision } from './options.js'

type Flags = BenchInferOptions & { json?: boolean }

export function addBenchInfer(bench: Command): void {
  const command = bench
    .command('infer')
    .description(
      "Features of uint8 pictures of the model's size, or of captions of one length: the fastest of several calls.",
    )
    .addOption(new Option('--tower <name>', 'what is encoded').choices(['image', 'text']).default('image'))
    .option('--model <name|path>', 'a built-in model, with random weights, or a checkpoint', 'ViT-B-32')
    .option(...DEVICE)
    .option('--batch-size <n>', 'pictures or captions per call', positiveNumber, 1)
    .addOption(
      precision('type of activations and products; int8 is for models that only encode', 'fp32', ENCODING_PRECISIONS),
    )
    .option('--encode-only', 'a model that cannot be trained, and holds each weight once')
    .option('--tokens <n>', 'tokens per caption, the first and last included', positiveNumber, 20)
    .option('--seconds <s>', 'how long calls are measured, after one to warm up', decimal, 3)
  addThreads(command)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'bench infer --tower image --batch-size 32 --precision bf16',
        'bench infer --tower text --tokens 20 --json',
      ),
    )
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchInfer } = await import('../../bench/infer.js')
  printResult(json, await asked(command, () => benchInfer(options)), inferText)
}

function inferText(r: BenchInferResult): string {
  return [
    `${r.perSecond.toFixed(1)} ${r.tower === 'image' ? 'pictures' : 'captions'} per second on ${r.device}`,
    `${r.bestMs.toFixed(1)} ms per call (best of ${r.calls}, median ${r.medianMs.toFixed(1)} ms)`,
    `${r.rssMiB.toFixed(0)} MiB resident, peak ${r.peakRssMiB.toFixed(0)}`,
  ].join(', ')
}
