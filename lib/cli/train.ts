import type { Command } from 'commander'
import { counted } from '../base/counted.js'
import { namingOptions, type OptionNames } from '../base/option-names.js'
import { whole } from '../report/wrap-words.js'
import type { TrainResult } from '../train/events.js'
import type { TrainOptions } from '../train/options/options.js'
import { TRAIN_GROUPS } from '../train/options/table.js'
import { JSON_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { isFirstRank } from './first-rank.js'
import { addOptions, flagName } from './flags.js'
import { EXIT_INTERRUPTED, EXIT_USAGE, printResult } from './output.js'
import { stopOnSignals } from './signals.js'

type Flags = TrainOptions & { config?: string; json?: boolean }

export function addTrain(command: Command): void {
  command
    .allowExcessArguments() // refused below, in words
    .option('--config <file.json>', 'options as JSON; flags win over it')
    .option(...JSON_OPTION)
  for (const [heading, options] of Object.entries(TRAIN_GROUPS)) addOptions(command, options, heading)
  command
    .addHelpText(
      'after',
      examples(
        'train --data train.json --load my-clip --lr 1e-5 --out my-run',
        'train --data train.csv --model ViT-B-32 --out my-run',
        'train --resume my-run',
      ),
    )
    .action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  refuseArguments(command)
  const [{ train }, { parseTrainOptions }, { createProgress }] = await Promise.all([
    import('../train/run.js'),
    import('../train/options/parse.js'),
    import('./progress.js'),
  ])
  const config = await configFile(flags.config)
  const given = givenOptions(flags, command)
  const options = { ...config, ...given }
  const training = namingOptions(namesOf(given, config, flags.config), () => {
    try {
      parseTrainOptions(options)
    } catch (error) {
      command.error(`error: ${(error as Error).message}`, { exitCode: EXIT_USAGE })
    }
    return train(options)
  })
  const stop = () => void training.stop().catch(() => {})
  const isFirst = isFirstRank()
  const interrupted = stopOnSignals({ stop, save: () => training.save(), quiet: !isFirst })
  if (!isFirst) {
    // Rank 0 speaks for all.
    await training.result
    if (interrupted()) process.exitCode = EXIT_INTERRUPTED
    return
  }
  const progress = await createProgress(process.stderr, command.optsWithGlobals().verbose)
  try {
    for await (const event of training) progress.show(event)
  } finally {
    // What follows must not be written behind the bar.
    progress.close()
  }
  printResult(flags.json, await training.result, summary)
  if (interrupted()) process.exitCode = EXIT_INTERRUPTED
}

/** Most often it is the value of an option that has none, as in `--strict false`. */
function refuseArguments(command: Command): void {
  const [first] = command.args
  if (first === undefined) return
  const isSwitch = /^(true|false|on|off|yes|no|0|1)$/i.test(first)
  const remedy = isSwitch
    ? 'an option that is on or off takes no value: write its name alone, or --no- before it where that is listed'
    : 'a path is given with its flag, as in --data train.json'
  command.error(`error: train takes options alone, got "${first}"; ${remedy}. See --help.`, { exitCode: EXIT_USAGE })
}

/** An option is named as it was told: by its flag, also where it is missing, or by its name in the file. */
function namesOf(given: object, config: object, file: string | undefined): OptionNames {
  return (option) => {
    const name = option.replace(/\..*/, '')
    return name in config && !(name in given) ? `option "${option}" in ${file}` : flagName(name)
  }
}

/** Only what was said on the command line: a default must not overrule --config or a resumed run. */
function givenOptions({ config, json, ...flags }: Flags, command: Command): TrainOptions {
  return Object.fromEntries(Object.entries(flags).filter(([key]) => command.getOptionValueSource(key) === 'cli'))
}

async function configFile(path: string | undefined): Promise<TrainOptions> {
  if (path === undefined) return {}
  const [{ ClipwrightError }, { parseJson }, { readTextFile }] = await Promise.all([
    import('../base/errors.js'),
    import('../files/json.js'),
    import('../files/text.js'),
  ])
  const text = await readTextFile(path, (reason) => `--config ${path}: ${reason}.`, { orPipe: true })
  const options = parseJson(text, `--config ${path}`)
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  throw new ClipwrightError('ERR_FORMAT', `--config ${path}: expected an object of options`)
}

function summary(r: TrainResult): string {
  const best = Number.isFinite(r.best.rMean)
    ? `, best mean recall ${r.best.rMean.toFixed(2)} % at step ${r.best.step}`
    : ''
  const { count, skipped, rewound } = r.spikes
  const jumped =
    count > 0 ? `; ${count} losses jumped or were not finite (${skipped} skipped, ${rewound} went back)` : ''
  return r.interrupted
    ? `stopped and saved after ${r.steps} steps${jumped}; ${whole(`go on with: clipwright train --resume ${r.out}`)}`
    : `${counted(r.steps, 'step')}, loss ${r.loss.toFixed(4)}${best}${jumped}: ${whole(r.out)}`
}
