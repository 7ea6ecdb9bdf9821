/** `clipwright predict`: which of several texts a picture shows. */
import { type Command, InvalidArgumentError } from 'commander'
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

type Flags = RunFlags & { model: string; image: string[]; text: string[]; plot?: string; json?: boolean }

export type Prediction = { image: string; results: { text: string; probability: number }[] }

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

async function run(flags: Flags): Promise<void> {
  const [{ Clip }, { softmaxOverTexts }, { requireFiniteFeatures }] = await Promise.all([
    import('../clip/clip.js'),
    import('../eval/probabilities.js'),
    import('../clip/finite-features.js'),
  ])
  const clip = await Clip.load(flags.model, runOptions(flags))
  try {
    const images = await clip.encodeImages(flags.image)
    const texts = await clip.encodeTexts(flags.text)
    for (const features of [images, texts]) requireFiniteFeatures(features, flags.model)
    const scale = clip.parameters().find((p) => p.name === 'logit_scale')!
    const probabilities = softmaxOverTexts(images, texts, Math.exp((await scale.read()).data[0]!))
    const predictions: Prediction[] = flags.image.map((image, i) => ({
      image,
      results: flags.text
        .map((text, j) => ({ text, probability: probabilities[i]![j]! }))
        .sort((a, b) => b.probability - a.probability),
    }))
    if (flags.plot !== undefined) await plot(flags.plot, predictions)
    printResult(flags.json, predictions, (all) =>
      all
        .map(({ image, results }) =>
          [
            image,
            table(
              ['', ''],
              results.map((r) => [`  ${(100 * r.probability).toFixed(1)} %`, r.text]),
            ).trim(),
          ].join('\n  '),
        )
        .join('\n'),
    )
  } finally {
    await clip.dispose()
  }
}

/** The pictures are drawn even where letters cannot be: stderr says what is missing. */
async function plot(path: string, predictions: readonly Prediction[]): Promise<void> {
  const [{ predictionPicture }, { hasChinese, hasFonts, NO_CHINESE_FONTS, NO_FONTS }, { writeAtomically }] =
    await Promise.all([
      import('../report/prediction-picture.js'),
      import('../report/svg.js'),
      import('../files/atomic-write.js'),
    ])
  const png = await predictionPicture(predictions)
  await writeAtomically(path, (file) => file.writeFile(png))
  const chinese = predictions.some(({ results }) => results.some(({ text }) => hasChinese(text)))
  if (!(await hasFonts())) process.stderr.write(`warning: ${NO_FONTS}\n`)
  else if (chinese && !(await hasFonts('chinese'))) process.stderr.write(`warning: ${NO_CHINESE_FONTS}\n`)
}
