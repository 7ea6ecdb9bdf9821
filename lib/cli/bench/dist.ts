/** `clipwright bench dist`: what the ranks of a job tell each other in what time. */
import type { Command } from 'commander'
import { counted } from '../../base/counted.js'
import type { BenchDistOptions, BenchDistResult, CollectiveSpeed } from '../../bench/dist.js'
import { table } from '../../report/table.js'
import { decimal, JSON_OPTION } from '../arguments.js'
import { isFirstRank } from '../first-rank.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'
import { DEVICE } from './options.js'

type Flags = BenchDistOptions & { json?: boolean }

export function addBenchDist(bench: Command): void {
  bench
    .command('dist')
    .description(
      'Latency and bandwidth between the ranks of a job: all-reduce, all-gather and reduce-scatter as training makes them, by size. Started by an MPI.',
    )
    .option(...DEVICE)
    .option('--most-mib <n>', 'the largest size, in MiB', decimal, 256)
    .option('--seconds <n>', 'how long each size is measured, about', decimal, 0.5)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      ['', 'Examples:', '  mpirun -n 2 clipwright bench dist', '  srun --ntasks 8 clipwright bench dist --json'].join(
        '\n',
      ),
    )
    .action(run)
}

async function run({ json, ...options }: Flags, command: Command): Promise<void> {
  const { benchDist } = await import('../../bench/dist.js')
  const result = await asked(command, () => benchDist(options))
  if (isFirstRank()) printResult(json, result, distText)
}

function distText({ ranks, hosts, device, way, collectives }: BenchDistResult): string {
  const of = counted(hosts, 'host')
  return [`${ranks} ranks of ${of}, on ${device} through ${way}`, ...collectives.map(collectiveText)].join('\n\n')
}

function collectiveText({ name, sizes, fit }: CollectiveSpeed): string {
  const rows = sizes.map(({ bytes, sent, medianUs, bestUs, gbPerSecond }) => [
    bytes,
    sent,
    medianUs.toFixed(1),
    bestUs.toFixed(1),
    gbPerSecond.toFixed(3),
  ])
  return [
    table([name, 'bytes sent', 'µs', 'best', 'GB/s sent'], rows),
    `about ${fit.alphaUs.toFixed(1)} µs per call${rate(fit)}; no size is further from that than ${fit.worst.toFixed(2)} times`,
  ].join('\n')
}

/** None where sizes were too small to tell. */
const rate = ({ gbPerSecond }: CollectiveSpeed['fit']) =>
  Number.isFinite(gbPerSecond) ? ` and ${gbPerSecond.toFixed(2)} GB/s sent` : ''
