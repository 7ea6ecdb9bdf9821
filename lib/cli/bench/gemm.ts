/** `clipwright bench gemm`: products alone. */
import { type Command, Option } from 'commander'
import type { BenchGemmOptions, BenchGemmResult } from '../../bench/gemm.js'
import { PASSES } from '../../native/product-rate.js'
import { table } from '../../report/table.js'
import { JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'
import { addThreads, precision } from './options.js'

type Flags = BenchGemmOptions & { json?: boolean }

export function addBenchGemm(bench: Command): void {
  const command = bench
    .command('gemm')
    .description("The products of a model's training step by themselves on the CPU, or one product.")
    .option('--model <name>', 'a built-in model', 'ViT-B-32')
    .option('--batch-size <n>', 'pairs per step', positiveNumber, 64)
    .addOption(precision('type that is multiplied', 'bf16'))
    .option('--tokens <n>', 'tokens per caption', positiveNumber, 20)
    .option('--rows <n>', 'of one product instead; with --inputs and --outputs', positiveNumber)
    .option('--inputs <n>', 'of that product', positiveNumber)
    .option('--outputs <n>', 'of that product', positiveNumber)
    .addOption(new Option('--pass <name>', 'of that product').choices(PASSES).default('forward'))
  addThreads(command)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples('bench gemm --precision fp32', 'bench gemm --rows 3200 --inputs 768 --outputs 3072 --json'),
    )
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchGemm } = await import('../../bench/gemm.js')
  printResult(json, await asked(command, () => benchGemm(options)), gemmText)
}

function gemmText({ gflops, ms, products }: BenchGemmResult, width: number): string {
  const rows = products.map((p) => [
    p.name,
    p.pass,
    p.rows,
    p.inputs,
    p.outputs,
    p.times,
    p.ms.toFixed(2),
    p.gflops.toFixed(1),
  ])
  return [
    table(['product', 'pass', 'rows', 'inputs', 'outputs', 'times', 'ms', 'GFLOP/s'], rows, width),
    `${gflops.toFixed(1)} GFLOP/s over all of them, ${ms.toFixed(1)} ms`,
  ].join('\n')
}
