/** `clipwright train`: from caption lists to a run folder. */
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { TrainResult } from '../train/events.js'
import type { TrainOptions } from '../train/options.js'
import { addRunOptions, decimal, JSON_OPTION, positiveNumber, wholeNumber } from './arguments.js'
import { EXIT_INTERRUPTED, printResult } from './output.js'

type Flags = Omit<TrainOptions, 'betas' | 'signal'> & {
  betas?: string
  config?: string
  json?: boolean
  verbose?: boolean
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('Trains a model on your own pictures. Ctrl-C finishes the step and saves; a second one stops at once.')
    .option('--config <file.json>', 'options as JSON; flags win over it')
    .option('--data <list.json>', 'training list: [{ "image", "caption" }]')
    .option('--val <list.json>', 'validation list')
    .option('--model <name>', 'a built-in model, trained from scratch')
    .option('--load <path>', 'a checkpoint to start from')
    .option('--out <folder>', 'run folder')
    .option('--resume <folder>', 'go on with a run, in mid-epoch too')
    .option('--overwrite', 'replace the run that is in --out')
    .option('--epochs <n>', 'passes over the list', positiveNumber)
    .option('--batch-size <n>', 'pairs a step', positiveNumber)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'recompute blocks in the backward pass')
    .option('--lr <rate>', 'highest learning rate', decimal)
    .option('--min-lr <rate>', 'where the cosine ends', decimal)
    .option('--betas <b1,b2>', 'of AdamW')
    .option('--eps <x>', 'of AdamW', decimal)
    .option('--weight-decay <x>', 'on matrices', decimal)
    .addOption(new Option('--schedule <kind>', 'of the learning rate').choices(['cosine', 'const']))
    .option('--warmup <steps>', 'steps of rising learning rate', wholeNumber)
    .option('--max-grad-norm <x>', 'clip gradients to this norm', decimal)
    .addOption(new Option('--loss <name>', 'what is lowered').choices(['infonce']))
    .option('--seed <n>', 'of weights, order, captions and augmentation', wholeNumber)
    .option('--workers <n>', 'pictures decoded side by side', positiveNumber)
    .option('--no-augment', 'centre crops, no flips')
    .option('--eval-every <epochs>', '0: only at the end', wholeNumber)
    .option('--save-every <steps>', 'steps between checkpoints', positiveNumber)
    .option('--log-every <steps>', 'steps between events', positiveNumber)
    .option('--keep <n>', 'checkpoints kept beside last and best', wholeNumber)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const [{ train }, { createProgress }] = await Promise.all([
    import('../train/run.js'),
    import('../report/progress.js'),
  ])
  const training = train({ ...(await configFile(flags.config)), ...givenOptions(flags, command) })
  const interrupted = stopOnInterrupt(() => void training.stop().catch(() => {}))
  const progress = await createProgress()
  try {
    for await (const event of training) progress.show(event)
    const result = await training.result
    printResult(flags.json, result, summary)
    if (interrupted()) process.exitCode = EXIT_INTERRUPTED
  } finally {
    progress.close()
  }
}

/** Only what was said on the command line: a default must not overrule --config or a resumed run. */
function givenOptions(flags: Flags, command: Command): TrainOptions {
  const { config, json, verbose, betas, ...rest } = flags
  const given = Object.fromEntries(Object.entries(rest).filter(([key]) => command.getOptionValueSource(key) === 'cli'))
  return betas === undefined ? given : { ...given, betas: parseBetas(betas, command) }
}

function parseBetas(text: string, command: Command): [number, number] {
  const values = text.split(',').map(Number)
  if (values.length !== 2 || values.some((x) => !Number.isFinite(x)))
    command.error(`error: expected --betas as two numbers such as 0.9,0.98, got ${text}`, { exitCode: 2 })
  return values as [number, number]
}

async function configFile(path: string | undefined): Promise<TrainOptions> {
  if (path === undefined) return {}
  const { ClipwrightError } = await import('../errors.js')
  const { parseJson } = await import('../json.js')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ClipwrightError(missing ? 'ERR_NOT_FOUND' : 'ERR_IO', `--config ${path}: ${(cause as Error).message}`, {
      cause,
    })
  }
  return parseJson(text, `--config ${path}`) as TrainOptions
}

/** The first Ctrl-C or SIGTERM stops in order, the second at once. Tells whether there was one. */
function stopOnInterrupt(stop: () => void): () => boolean {
  let seen = false
  const onSignal = () => {
    if (seen) process.exit(EXIT_INTERRUPTED)
    seen = true
    process.stderr.write('\nfinishing the step and saving; once more to stop at once\n')
    stop()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => seen
}

function summary(r: TrainResult): string {
  const best = Number.isFinite(r.best.rMean)
    ? `, best mean recall ${r.best.rMean.toFixed(2)} % at step ${r.best.step}`
    : ''
  return r.interrupted
    ? `stopped and saved after ${r.steps} steps; go on with: clipwright train --resume ${r.out}`
    : `${r.steps} steps, loss ${r.loss.toFixed(4)}${best}: ${r.out}`
}
