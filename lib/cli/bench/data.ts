/** `clipwright bench data`: from picture files to pixels. */
import type { Command } from 'commander'
import type { BenchDataOptions, BenchDataResult } from '../../bench/data.js'
import { decimal, JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'

type Flags = BenchDataOptions & { json?: boolean }

export function addBenchData(bench: Command): void {
  bench
    .command('data')
    .description("Pictures decoded and fitted to a model's square, as before evaluation.")
    .option('--images <path>', 'a folder of pictures (default: JPEGs of 500 x 375 pixels, made up in memory)')
    .option('--count <n>', 'how many are made up', positiveNumber, 64)
    .option('--size <pixels>', 'side that they are fitted to', positiveNumber, 224)
    .option('--concurrency <n>', 'at a time (default: twice the processors)', positiveNumber)
    .option('--decoded-cache <folder>', 'that keeps them at that size, and has them before the clock starts')
    .option('--seconds <s>', 'how long they are gone through', decimal, 3)
    .option(...JSON_OPTION)
    .addHelpText('after', examples('bench data --images photos --json'))
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchData } = await import('../../bench/data.js')
  printResult(json, await asked(command, () => benchData(options)), dataText)
}

function dataText(r: BenchDataResult): string {
  return `${r.picturesPerSecond.toFixed(0)} pictures per second, ${r.concurrency} at a time; the event loop's p99 was ${r.eventLoopP99Ms.toFixed(1)} ms`
}
