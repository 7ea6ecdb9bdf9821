#!/usr/bin/env node
/** The command line. Commands load what they need when they run, so that --help stays fast. */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../base/version.js'
import { addBench } from './bench.js'
import { addClassify } from './classify.js'
import { addConvert } from './convert.js'
import { addData } from './data.js'
import { addDoctor } from './doctor.js'
import { addEncode } from './encode.js'
import { addEval } from './eval.js'
import { examples } from './examples.js'
import { addInspect } from './inspect.js'
import { addInterpolate } from './interpolate.js'
import { addModels } from './models.js'
import { EXIT_FAILED, EXIT_USAGE, handleOutputErrors, handleWarnings, reportError } from './output.js'
import { addPlan } from './plan.js'
import { addPredict } from './predict.js'
import { addProbe } from './probe.js'
import { addTrain } from './train.js'

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

for (const add of [
  addTrain,
  addData,
  addPlan,
  addEval,
  addPredict,
  addClassify,
  addProbe,
  addEncode,
  addInspect,
  addConvert,
  addInterpolate,
  addModels,
  addBench,
  addDoctor,
])
  add(program)

handleOutputErrors()
handleWarnings()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; --help and --version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE
  } else {
    reportError(error, process.argv.includes('--verbose'))
    process.exitCode = EXIT_FAILED
  }
}
