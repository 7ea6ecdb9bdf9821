#!/usr/bin/env node
/**
 * The command line. A command is loaded when it is asked for, and what it needs when it runs. `--help` and a command that is
 * none load four files besides commander's.
 */
import { createRequire } from 'node:module'
import { addCommands, commandIn, withoutHelp } from './commands.js'
import { examples } from './examples.js'
import { EXIT_FAILED, EXIT_USAGE, handleOutputErrors, handleWarnings, onTerminal } from './output.js'

// An import would first search CommonJS for the names of its exports, and load all that node:fs has, for some milliseconds.
const require = createRequire(import.meta.url)
const { Command, CommanderError } = require('commander') as typeof import('commander')
const { version } = require('../../package.json') as { version: string }

const program = new Command('clipwright')
  .description('Train, fine-tune, evaluate and use CLIP models from Node.js, without Python.')
  .version(version)
  .option('--verbose', 'show where an error came from')
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: (message, write) => write(onTerminal(message)) })
  .addHelpText(
    'after',
    examples(
      'train --model ViT-B-32 --data train.json --out my-run',
      'predict --model my-clip cat.jpg --text cat --text dog',
    ),
  )
  .exitOverride()

const args = process.argv.slice(2)
handleOutputErrors()
handleWarnings()
const asked = commandIn(args)
// Before what may fail for want of open files.
const failure = asked && (await import('./failure.js'))
try {
  await addCommands(program, asked)
  await program.parseAsync(withoutHelp(program, args), { from: 'user' })
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; --help and --version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE
  } else {
    const { lastWords, reportError } = failure ?? (await import('./failure.js'))
    reportError(error, process.argv.includes('--verbose'))
    process.exitCode = EXIT_FAILED
    await lastWords()
  }
}
