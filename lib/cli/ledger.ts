/** `clipwright ledger`: what each sample of a run cost. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { cutTo } from '../report/columns.js'
import { table } from '../report/table.js'
import { hangWords, whole } from '../report/wrap-words.js'
import type { NamedEntry, RunLedger } from '../train/read-ledger.js'
import { JSON_OPTION, picturePath, positiveNumber } from './arguments.js'
import { examples } from './examples.js'
import { printResult, warn } from './output.js'
import { asked } from './usage.js'

type Flags = { topK: number; data?: string; plot?: string | true; json?: boolean }

export function addLedger(command: Command): void {
  command
    .argument('<run>', 'the folder of a run that was started with --ledger')
    .option('--top-k <n>', 'samples in each list', positiveNumber, 10)
    .option('--data <path>', 'where the training data are now (default: where the run had them)')
    .option('--plot [file.png]', 'draw how losses are spread (default: ledger.png in the run)', picturePath)
    .option(...JSON_OPTION)
    .addHelpText('after', examples('ledger runs/mine --top-k 20', 'ledger runs/mine --plot'))
    .action(run)
}

async function run(folder: string, { topK, data, plot, json }: Flags, command: Command): Promise<void> {
  const { readLedger } = await import('../train/read-ledger.js')
  const result = await asked(command, () => readLedger(folder, { topK, ...(data !== undefined && { data }) }))
  if (plot !== undefined) {
    const [{ ledgerPicture }, { writePicture }] = await Promise.all([
      import('../report/ledger-picture.js'),
      import('../report/write-picture.js'),
    ])
    const title = `${result.seen} of ${result.samples} samples: ${folder}`
    const picture = ledgerPicture(title, result.histogram, result.guessing)
    const lacks = await writePicture(plot === true ? join(folder, 'ledger.png') : plot, picture, [title])
    if (lacks) warn(lacks)
  }
  printResult(json, result, text)
}

function text(r: RunLedger, width: number): string {
  const { samples, seen, never, loss, guessing, hardest, suspects, suspectCount, neverSeen, unnamed } = r
  const lines = [
    `${seen} of ${samples} entries were seen; they cost ${loss.toFixed(3)} nats on the average, and guessing ${guessing.toFixed(3)}.`,
    '',
    'hardest pairs, by the mean of both losses',
    entries(hardest, width),
    '',
    `likely mislabels: ${suspectCount} pairs whose picture and caption fit others of their batches better`,
    entries(suspects, width),
  ]
  if (never > 0) {
    const named = neverSeen.map(({ sample, image }) => image ?? `entry ${sample + 1}`).join(', ')
    lines.push('', `never seen: ${never}${never > neverSeen.length ? ', among them' : ':'} ${named}`)
  }
  if (unnamed !== undefined) lines.push('', `Entries have numbers alone, because the data cannot be read: ${unnamed}`)
  return lines.join('\n')
}

/** Entries are counted from 1, as readers of their list do. Below each row stand its picture and its caption. */
function entries(all: readonly NamedEntry[], width: number): string {
  if (all.length === 0) return 'none'
  const rows = all.map(({ sample, seen, lastStep, imageLoss, textLoss }) => [
    sample + 1,
    seen,
    lastStep,
    imageLoss.toFixed(3),
    textLoss.toFixed(3),
  ])
  const [headings, ...lines] = table(['entry', 'seen', 'last step', 'picture', 'caption'], rows).split('\n')
  const told = all.map(({ image, caption }, i) => [
    lines[i]!,
    ...(image === undefined ? [] : [`  ${whole(image)}`]),
    ...(caption === undefined ? [] : hangWords('  ', cutTo(2 * (width - 2), caption), width)),
  ])
  return [headings, ...told.flat()].join('\n')
}
