#!/usr/bin/env node
/** The command line. A command is loaded when it is asked for, and what it needs when it runs. */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../base/version.js'
import { addCommands } from './commands.js'
import { examples } from './examples.js'
import { EXIT_FAILED, EXIT_USAGE, handleOutputErrors, handleWarnings, lastWords, reportError } from './output.js'

const program = new Command('clipwright')
  .description('Train, fine-tune, evaluate and serve CLIP models from Node.js, without Python.')
  .version(packageVersion())
  .option('--verbose', 'show where an error came from')
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    'after',
    examples(
      'train --model ViT-B-32 --data train.json --out my-run',
      'predict --model my-clip cat.jpg --text cat --text dog',
    ),
  )
  .exitOverride()

handleOutputErrors()
handleWarnings()
try {
  await addCommands(program, process.argv.slice(2))
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; --help and --version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE
  } else {
    reportError(error, process.argv.includes('--verbose'))
    process.exitCode = EXIT_FAILED
    await lastWords()
  }
}
