import { type Command, Option } from 'commander'
import { PRECISIONS, REDUCTIONS } from '../native/names.js'
import { OPTIMIZERS } from '../optim/defaults.js'
import type { TrainResult } from '../train/events.js'
import type { TrainOptions } from '../train/options/options.js'
import { PRESET_NAMES } from '../train/options/presets.js'
import { SCHEDULES } from '../train/schedule.js'
import { addRunOptions, collect, decimal, JSON_OPTION, positiveNumber, wholeNumber } from './arguments.js'
import { EXIT_INTERRUPTED, EXIT_USAGE, printResult } from './output.js'

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
    .addOption(new Option('--preset <name>', 'settings in place of the defaults; flags win').choices(PRESET_NAMES))
    .option('--data <path>', "training list: [{ image, caption }], Karpathy's JSON, or Chinese-CLIP's folder")
    .option('--val <path>', 'validation list')
    .option('--split <name>', 'of --data, where it has splits (default: train)')
    .option('--val-split <name>', 'of --val (default: val)')
    .option('--absolute-paths', "allow pictures outside the lists' folders", false)
    .option('--model <name>', 'a built-in model, trained from scratch')
    .option('--load <path>', 'a checkpoint to start from')
    .option('--strict', 'its weights must be those of the model', true)
    .option('--no-strict', 'load the weights that fit, and say which did')
    .option('--freeze <names>', 'leave these parameters as they are, as in "visual.*"; may be repeated', collect)
    .option('--start-epoch <n>', 'with --load: go on with this epoch, counted from 0', wholeNumber, 0)
    .option('--out <folder>', 'run folder')
    .option('--resume <folder>', 'go on with a run, in mid-epoch too')
    .option('--overwrite', 'replace the run that is in --out')
    .option('--epochs <n>', 'passes over the list', positiveNumber, 30)
    .option('--batch-size <n>', 'pairs a step', positiveNumber, 64)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'recompute blocks in the backward pass')
    .option('--lr <rate>', 'highest learning rate', decimal, 5e-4)
    .option('--min-lr <rate>', 'where the schedule ends (default: 0; by epoch a hundredth of --lr)', decimal)
    .option('--fit-lr', 'scale both by batch size / 64, within 3e-5 to 1e-4', false)
    .addOption(new Option('--optimizer <name>', 'how gradients become updates').choices(OPTIMIZERS).default('adamw'))
    .option('--betas <b1,b2>', 'of all but sgd (default: 0.9,0.98; lion 0.9,0.99; lamb 0.9,0.999)')
    .option('--eps <x>', 'of adamw, adam, lamb (default: 1e-6)', decimal)
    .option('--momentum <x>', 'of sgd (default: 0)', decimal)
    .option('--weight-decay <x>', 'on matrices (default: adamw 0.2, lamb 0.01, others 0)', decimal)
    .option('--decay-all', 'weight decay on biases, norms and scales, too', false)
    .addOption(
      new Option('--schedule <kind>', 'of the learning rate: by step, or once an epoch')
        .choices(SCHEDULES)
        .default('cosine'),
    )
    .option('--warmup <steps>', 'steps of rising learning rate (default: a twentieth, 2,000 at most)', wholeNumber)
    .option('--cooldown <steps>', 'last steps of const-cooldown (default: a fifth)', wholeNumber)
    .option('--cooldown-power <x>', 'of the fall in const-cooldown (default: 1, straight)', decimal)
    .option('--max-grad-norm <x>', 'clip gradients to this norm (default: never)', decimal)
    .addOption(new Option('--loss <name>', 'what is lowered').choices(['infonce']).default('infonce'))
    .addOption(new Option('--reduction <kind>', 'of the two cross-entropies').choices(REDUCTIONS).default('mean'))
    .option('--seed <n>', 'of weights, order, captions and augmentation', wholeNumber, 0)
    .option('--workers <n>', 'pictures decoded side by side', positiveNumber, 8)
    .option('--pre-caption', 'clean captions as the reference does', false)
    .addOption(
      new Option('--augment [policy]', 'what is drawn for training pictures')
        .choices(['crop', 'imagenet', 'jitter-paste'])
        .default(true, 'crop'),
    )
    .option('--no-augment', 'training pictures as in evaluation')
    .option('--eval-every <epochs>', 'epochs between evaluations; 0: only at the end', wholeNumber, 1)
    .option('--validate-every <epochs>', 'epochs between validation losses without recall; 0: never', wholeNumber, 0)
    .option('--save-every <steps>', 'steps between checkpoints (default: at the end of each epoch)', positiveNumber)
    .option('--log-every <steps>', 'steps between events', positiveNumber, 1)
    .option('--keep <n>', 'checkpoints kept beside last and best', wholeNumber, 0)
    .option('--weights-every <epochs>', 'epochs between weights named by epoch and losses; 0: none', wholeNumber, 0)
    .addOption(new Option('--weights-dtype <type>', 'what those are rounded to').choices(PRECISIONS).default('fp32'))
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  const [{ train }, { parseTrainOptions }, { createProgress }] = await Promise.all([
    import('../train/run.js'),
    import('../train/options/options.js'),
    import('./progress.js'),
  ])
  const options = { ...(await configFile(flags.config)), ...givenOptions(flags, command) }
  try {
    parseTrainOptions(options)
  } catch (error) {
    command.error(`error: ${(error as Error).message}`, { exitCode: EXIT_USAGE })
  }
  const training = train(options)
  const interrupted = stopOnInterrupt(() => void training.stop().catch(() => {}))
  const progress = await createProgress()
  try {
    for await (const event of training) progress.show(event)
  } finally {
    // What follows must not be written behind the bar.
    progress.close()
  }
  printResult(flags.json, await training.result, summary)
  if (interrupted()) process.exitCode = EXIT_INTERRUPTED
}

/** Only what was said on the command line: a default must not overrule --config or a resumed run. */
function givenOptions({ config, json, verbose, ...flags }: Flags, command: Command): TrainOptions {
  const given = Object.entries(flags).filter(([key]) => command.getOptionValueSource(key) === 'cli')
  const { betas, ...rest } = Object.fromEntries(given) as typeof flags
  return betas === undefined ? rest : { ...rest, betas: parseBetas(betas, command) }
}

function parseBetas(text: string, command: Command): [number, number] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (values.length !== 2 || values.some((x) => !Number.isFinite(x)))
    command.error(`error: expected --betas as two numbers such as 0.9,0.98, got ${text}`, { exitCode: EXIT_USAGE })
  return values as [number, number]
}

async function configFile(path: string | undefined): Promise<TrainOptions> {
  if (path === undefined) return {}
  const [{ ClipwrightError }, { parseJson }, { readTextFile }] = await Promise.all([
    import('../base/errors.js'),
    import('../files/json.js'),
    import('../files/text.js'),
  ])
  const text = await readTextFile(path, (reason) => `--config ${path}: ${reason}`, { orPipe: true })
  const options = parseJson(text, `--config ${path}`)
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  throw new ClipwrightError('ERR_FORMAT', `--config ${path}: expected an object of options`)
}

/** Where sh is bash, npx and `npm run` send on the Ctrl-C that the terminal has sent already: so soon it is the same one. */
const SAME_SIGNAL_MS = 200

/** The first Ctrl-C or SIGTERM stops in order, the second at once. Tells whether there was one. */
function stopOnInterrupt(stop: () => void): () => boolean {
  let first: number | undefined
  const onSignal = () => {
    if (first !== undefined) {
      if (performance.now() - first > SAME_SIGNAL_MS) process.exit(EXIT_INTERRUPTED)
      return
    }
    first = performance.now()
    process.stderr.write('\nfinishing the step and saving; once more to stop at once\n')
    stop()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => first !== undefined
}

function summary(r: TrainResult): string {
  const best = Number.isFinite(r.best.rMean)
    ? `, best mean recall ${r.best.rMean.toFixed(2)} % at step ${r.best.step}`
    : ''
  return r.interrupted
    ? `stopped and saved after ${r.steps} steps; go on with: clipwright train --resume ${r.out}`
    : `${r.steps} steps, loss ${r.loss.toFixed(4)}${best}: ${r.out}`
}
