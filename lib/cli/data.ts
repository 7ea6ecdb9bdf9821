/** `clipwright data check`: one look at all of some data, before a training meets what is wrong with it. */
import type { Command } from 'commander'
import { sizeText } from '../base/bytes.js'
import { counted } from '../base/counted.js'
import type { CheckedData, DataReport } from '../data/check.js'
import type { DataCheckOptions } from '../data/data-check.js'
import type { DataFindings } from '../report/data-picture.js'
import { hangWords, whole } from '../report/wrap-words.js'
import { JSON_OPTION, OFFLINE_OPTION, picturePath, positiveNumber } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'
import { asked } from './usage.js'

type Flags = Omit<DataCheckOptions, 'data'> & { json?: boolean; plot?: string }

export function addData(data: Command): void {
  data.addHelpText('after', examples('data check train.json --val val.json'))
  data
    .command('check')
    .description(
      'Reads data once: counts, unreadable and duplicate pictures, empty, cut and repeated captions, what training and validation data share, and the time of an epoch.',
    )
    .argument('<data...>', 'as --data of train takes it; several are one set')
    .option('--val <path>', 'validation data, to be held against the others')
    .option('--model <name|path>', 'whose tokenizer, context and picture size count', 'ViT-B-32')
    .option(...OFFLINE_OPTION)
    .option('--split <name>', 'of the data, where they have splits (default: train)')
    .option('--val-split <name>', 'of --val (default: val)')
    .option('--image-key <name>', 'of lists, tables and shards: where the picture is')
    .option('--caption-key <name>', 'of lists, tables and shards: where the caption is')
    .option('--absolute-paths', "allow pictures outside the list's folder")
    .option('--workers <n>', 'pictures decoded side by side', positiveNumber, 8)
    .option('--plot <file.png>', 'draw lengths of captions and findings; or file.svg', picturePath)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        "data check 'shards/{00000..00099}.tar' --val val.json \\\n    --plot data.png",
        'data check pictures/ --model ViT-L-14 --json',
      ),
    )
    .action(run)
}

async function run(paths: string[], { json, plot, ...options }: Flags, command: Command): Promise<void> {
  const [{ checkDataset }, { withProgress }] = await Promise.all([
    import('../data/data-check.js'),
    import('./count-progress.js'),
  ])
  const result = await withProgress((tell) => {
    const onProgress = (done: number, total: number) => tell({ kind: 'images', done, total })
    return asked(command, () => checkDataset({ data: paths, ...options, onProgress }))
  })
  if (plot !== undefined) {
    const { writeDataPicture } = await import('../report/data-picture.js')
    await writeDataPicture(plot, findingsOf(result))
  }
  printResult(json, result, dataText)
}

function findingsOf(r: CheckedData): DataFindings {
  const { val, leaks } = r
  return {
    title: `${counted(r.samples, 'sample')}, ${counted(r.captions, 'caption')}: ${r.path}`,
    counts: r.tokens.counts,
    contextLength: r.tokens.contextLength,
    findings: [
      { name: 'cannot be read', count: r.unreadable.count, of: r.samples },
      { name: 'pictures that were there before', count: r.duplicates.count, of: r.samples },
      { name: 'captions that were there before', count: r.repeated.count, of: r.captions },
      { name: 'captions that are cut', count: r.cut.count, of: r.captions },
      ...(val && leaks
        ? [{ name: 'validation pictures in training', count: leaks.pictures.count, of: val.samples }]
        : []),
    ],
  }
}

function dataText(r: CheckedData, width: number): string {
  const { val, leaks } = r
  const lines = reportLines(r, width)
  if (val && leaks) {
    lines.push('', ...reportLines(val, width), '')
    const shared = `${counted(leaks.pictures.count, 'picture')} and ${counted(leaks.captions.count, 'caption')} of ${val.path}`
    lines.push(...line('in both', shared, width))
    for (const { train, val: name } of leaks.pictures.examples)
      lines.push(...line('', `${whole(name)} is ${whole(train)}`, width))
  }
  return lines.join('\n')
}

const line = (name: string, text: string, width: number) => hangWords(name.padEnd(12), text, width)

function reportLines(r: DataReport, width: number): string[] {
  const { unreadable, duplicates, repeated, cut, tokens } = r
  const examples = (all: readonly string[]) => all.slice(0, 3).map((one) => ['', one])
  const lines = [
    ['samples', `${r.samples}, ${counted(r.captions, 'caption')}, ${sizeText(r.bytes)} of pictures`],
    ...r.notes.map((note) => ['note', note]),
    ['unreadable', String(unreadable.count)],
    ...examples(unreadable.examples.map(({ name, error }) => `${whole(name)}: ${error}`)),
    ['duplicates', `${counted(duplicates.count, 'picture')} there before`],
    ...examples(duplicates.examples.map(({ name, first }) => `${whole(name)} is ${whole(first)}`)),
    [
      'captions',
      `${r.empty} empty, ${repeated.count} there before (${repeated.distinct} distinct), ${cut.count} longer than ${tokens.contextLength} tokens`,
    ],
    ...examples(repeated.most.map(({ caption, times }) => `${times} × ${caption}`)),
    ['tokens', `${tokens.mean.toFixed(1)} on average, ${tokens.longest} at most`],
    ['an epoch', `${r.seconds.toFixed(1)} s to read and decode, ${r.samplesPerSecond.toFixed(0)} samples per second`],
  ] as const
  return [whole(`${r.path} (${r.format})`), ...lines.flatMap(([name, text]) => line(name!, text!, width))]
}
