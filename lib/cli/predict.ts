/** `clipwright predict`: which of several texts a picture shows. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Prediction } from '../eval/predict.js'
import { hangWords, whole } from '../report/wrap-words.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  addSizes,
  addTruncation,
  collect,
  JSON_OPTION,
  KEY_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
  type TruncationFlag,
} from './arguments.js'
import { examples } from './examples.js'
import { EXIT_USAGE, listSkipped, printResult, warn } from './output.js'
import { asked } from './usage.js'

type Flags = RunFlags &
  TruncationFlag & {
    model: string
    image?: string[]
    text?: string[]
    texts?: string
    topK?: number
    plot?: string
    skipBad?: boolean
    json?: boolean
  }

export function addPredict(command: Command): void {
  command
    .argument('[pictures...]', 'files, folders or patterns such as "photos/**/*.jpg"')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option('--image <path>', 'one more picture; may be given several times', collect)
    .option('--text <text>', 'a text to choose from; may be given several times', collect)
    .option('--texts <file>', 'a file of one text per line')
    .option('--top-k <n>', 'show the n most probable texts (default: all)', positiveNumber)
    .option('--plot <file.png>', 'draw the pictures with their texts and probabilities', pngPath)
    .option('--skip-bad', 'list pictures that cannot be read and leave them out (default: of folders)')
    .option('--no-skip-bad', 'fail at the first picture that cannot be read')
    .option(...JSON_OPTION)
  addRunOptions(addSizes(addTruncation(command)))
    .addHelpText(
      'after',
      examples(
        'predict --model my-clip cat.jpg --text cat --text dog',
        'predict --model my-clip photos/ --texts labels.txt --top-k 3',
      ),
    )
    .action(run)
}

function pngPath(path: string): string {
  if (!/.\.png$/i.test(path)) throw new InvalidArgumentError('Expected a name that ends in .png.')
  return path
}

async function run(pictures: string[], flags: Flags, command: Command): Promise<void> {
  const refuse = (what: string) => command.error(`error: expected ${what}.`, { exitCode: EXIT_USAGE })
  if (pictures.length === 0 && !flags.image) refuse('at least one picture, as an argument or by --image')
  if (!flags.text && !flags.texts) refuse('at least one text, by --text or --texts')
  const { predictFiles } = await import('../eval/predict-files.js')
  const { image: images, text = [], texts: textsFile, topK, truncation, skipBad } = flags
  const how = { images, pictures, texts: text, textsFile, topK, truncation, skipBad, load: runOptions(flags) }
  const { predictions, texts, skipped, warnings } = await asked(command, () => predictFiles(flags.model, how))
  listSkipped(skipped)
  warnings.forEach(warn)
  if (flags.plot !== undefined) {
    const { writePredictionPicture } = await import('../report/write-prediction-picture.js')
    const lacking = await writePredictionPicture(flags.plot, predictions)
    if (lacking) warn(lacking)
  }
  printResult(flags.json, predictions, (all, width) => predictionText(all, texts.length, width))
}

/** @param asked how many texts there were to choose from */
function predictionText(predictions: readonly Prediction<string>[], asked: number, width: number): string {
  const alone = asked === 1
  const shown = predictions.map(({ image, results }) =>
    [
      whole(image),
      ...results.flatMap(({ text, probability, similarity }) => {
        const percent = `${(100 * probability).toFixed(1).padStart(5)} %`
        const start = `  ${percent}${alone ? `  similarity ${similarity.toFixed(3)}` : ''}  `
        return hangWords(start, text.replace(/\p{Cc}+/gu, ' '), width)
      }),
    ].join('\n'),
  )
  if (!alone) return shown.join('\n')
  const note =
    'A softmax needs rivals: the probability of one text alone is always 100 %. Give further texts, or compare similarities.'
  return [...shown, note].join('\n')
}
