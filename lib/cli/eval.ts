/** `clipwright eval`: retrieval on a caption list. */
import type { Command } from 'commander'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  JSON_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
} from './arguments.js'
import { printResult, table } from './output.js'

type Flags = RunFlags & { model: string; data: string; batchSize?: number; json?: boolean }

export function addEval(program: Command): void {
  const command = program
    .command('eval')
    .description('Recall at 1, 5 and 10 in both directions, over all captions of a list.')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .requiredOption('--data <list.json>', 'caption list: [{ "image", "caption" }]')
    .option('--batch-size <n>', 'pictures or captions at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags): Promise<void> {
  const [{ Clip }, { readCaptionList }, { evalSet }, { evaluateRetrieval }] = await Promise.all([
    import('../clip.js'),
    import('../data/caption-list.js'),
    import('../data/eval-set.js'),
    import('../eval/retrieval.js'),
  ])
  const { images, captions, imageOfCaption } = evalSet(await readCaptionList(flags.data))
  const clip = await Clip.load(flags.model, runOptions(flags))
  try {
    const o = flags.batchSize ? { batchSize: flags.batchSize } : {}
    const imageFeatures = await clip.encodeImages(images, o)
    const textFeatures = await clip.encodeTexts(captions, o)
    const result = await evaluateRetrieval({ imageFeatures, textFeatures, imageOfCaption })
    printResult(flags.json, { ...result, images: images.length, captions: captions.length }, (r) => {
      const percent = (x: number) => x.toFixed(2)
      const { chance } = r
      return [
        `${r.images} pictures, ${r.captions} captions, percent`,
        table(
          ['', 'R@1', 'R@5', 'R@10', 'mean'],
          [
            ['image to text', percent(r.txt_r1), percent(r.txt_r5), percent(r.txt_r10), percent(r.txt_r_mean)],
            ['text to image', percent(r.img_r1), percent(r.img_r5), percent(r.img_r10), percent(r.img_r_mean)],
            [
              'chance, to text',
              percent(chance.txt_r1),
              percent(chance.txt_r5),
              percent(chance.txt_r10),
              percent(chance.txt_r_mean),
            ],
            [
              'chance, to image',
              percent(chance.img_r1),
              percent(chance.img_r5),
              percent(chance.img_r10),
              percent(chance.img_r_mean),
            ],
          ],
        ),
      ].join('\n')
    })
  } finally {
    await clip.dispose()
  }
}
