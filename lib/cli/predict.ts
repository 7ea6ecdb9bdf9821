/** `clipwright predict`: which of several texts a picture shows. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Prediction } from '../eval/predict.js'
import { table } from '../report/table.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  collect,
  JSON_OPTION,
  MODEL_OPTION,
  type RunFlags,
  runOptions,
} from './arguments.js'
import { printResult } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags & { model: string; image: string[]; text: string[]; plot?: string; json?: boolean }

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('Probabilities of texts for pictures: softmax of logit_scale · similarity.')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .requiredOption('--image <path>', 'a picture; may be given several times', collect)
    .requiredOption('--text <text>', 'a text; may be given several times', collect)
    .option('--plot <file.png>', 'draw the pictures with their texts and probabilities', pngPath)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

function pngPath(path: string): string {
  if (!/.\.png$/i.test(path)) throw new InvalidArgumentError('Expected a name that ends in .png.')
  return path
}

async function run(flags: Flags, command: Command): Promise<void> {
  const { predict } = await import('../eval/predict.js')
  const { model, image: images, text: texts, plot } = flags
  const predictions = await asked(command, predict(model, { images, texts, load: runOptions(flags) }))
  if (plot !== undefined) {
    const { writePredictionPicture } = await import('../report/write-prediction-picture.js')
    const lacking = await writePredictionPicture(plot, predictions)
    if (lacking) process.stderr.write(`warning: ${lacking}\n`)
  }
  printResult(flags.json, predictions, predictionText)
}

function predictionText(predictions: readonly Prediction<string>[]): string {
  return predictions
    .map(({ image, results }) =>
      [
        image,
        table(
          ['', ''],
          results.map((r) => [`  ${(100 * r.probability).toFixed(1)} %`, r.text]),
        ).trim(),
      ].join('\n  '),
    )
    .join('\n')
}
