/** `clipwright eval`: retrieval on captioned pictures, and by what protocol it was measured. */
import { type Command, Option } from 'commander'
import { type ProtocolName, protocols } from '../data/protocols.js'
import { protocolWarning } from '../eval/protocol.js'
import type { RetrievalResult } from '../eval/retrieval.js'
import { type PreprocessConfig, resizeOf } from '../image/preprocess-config.js'
import { table } from '../report/table.js'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  JSON_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
  wholeNumber,
} from './arguments.js'
import { EXIT_USAGE, printResult } from './output.js'

type Flags = RunFlags & {
  model: string
  data: string
  split?: string
  protocol?: ProtocolName
  absolutePaths?: boolean
  imageKey?: string
  captionKey?: string
  preCaption?: boolean
  prompt?: string
  bootstrap: number
  seed: number
  batchSize?: number
  json?: boolean
}

export function addEval(program: Command): void {
  const command = program
    .command('eval')
    .description(
      'Recall at 1, 5 and 10 in both directions, with its 95 % interval and the protocol it was measured by.',
    )
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .requiredOption(
      '--data <path>',
      "JSON, JSON Lines or CSV of { image, caption }, Karpathy's or COCO's JSON, or Chinese-CLIP's folder",
    )
    .option('--split <name>', 'of --data, where it has splits (default: test)')
    .addOption(
      new Option(
        '--protocol <name>',
        'flickr: five captions a picture (default: muge for such data, else flickr)',
      ).choices(Object.keys(protocols)),
    )
    .option('--image-key <name>', "of lists and tables: where the picture's path is (default: image or filepath)")
    .option('--caption-key <name>', 'of lists and tables: where its caption is (default: caption or title)')
    .option('--absolute-paths', "allow pictures outside the list's folder")
    .option('--pre-caption', 'clean captions as the reference system does (`preCaption`)')
    .option('--prompt <template>', 'put each caption in place of {}, as in "a photo of {}"')
    .option('--bootstrap <n>', 'sets of pictures drawn for the intervals; 0: no intervals', wholeNumber, 1000)
    .option('--seed <n>', 'draws them', wholeNumber, 0)
    .option('--batch-size <n>', 'pictures or captions at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  if (flags.prompt !== undefined && !flags.prompt.includes('{}'))
    command.error(`error: expected {} in --prompt, got ${flags.prompt}`, { exitCode: EXIT_USAGE })
  const [
    { Clip },
    { openSource },
    { captionCounts, evalSet, joinedNote },
    { encodeAddresses },
    { evaluateRetrieval },
    { requireFiniteFeatures },
    { sessionOf },
    { preCaption },
  ] = await Promise.all([
    import('../clip/clip.js'),
    import('../data/open.js'),
    import('../eval/eval-set.js'),
    import('../clip/encode-addresses.js'),
    import('../eval/retrieval.js'),
    import('../clip/finite-features.js'),
    import('../clip/session.js'),
    import('../tokenizer/pre-caption.js'),
  ])
  const { split, absolutePaths, imageKey, captionKey } = flags
  const source = await openSource(flags.data, { split, use: 'test', absolutePaths, imageKey, captionKey })
  const set = await evalSet(source)
  const { images, captions, imageOfCaption } = set
  const name = flags.protocol ?? source.protocol
  const counts = captionCounts(set)
  const warnings = [protocolWarning(name, counts, source.path), joinedNote(set, source.path)].filter(
    (warning) => warning !== undefined,
  )
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`)

  const texts = captions.map((caption) => {
    const clean = flags.preCaption ? preCaption(caption) : caption
    return flags.prompt === undefined ? clean : flags.prompt.replaceAll('{}', () => clean)
  })
  const clip = await Clip.load(flags.model, runOptions(flags))
  try {
    const o = flags.batchSize ? { batchSize: flags.batchSize } : {}
    const imageFeatures = await encodeAddresses(clip, images, o)
    const textFeatures = await clip.encodeTexts(texts, o)
    for (const features of [imageFeatures, textFeatures]) requireFiniteFeatures(features, flags.model)
    const bootstrap = { samples: flags.bootstrap, seed: flags.seed }
    const result = await evaluateRetrieval({
      imageFeatures,
      textFeatures,
      imageOfCaption,
      ...(flags.bootstrap > 0 && { bootstrap }),
    })
    const protocol = {
      name,
      data: source.path,
      format: source.format,
      split: source.split ?? null,
      captionsPerPicture: spread(counts),
      cleaning: flags.preCaption ? 'preCaption' : null,
      prompt: flags.prompt ?? null,
      preprocessing: clip.preprocess,
      contextLength: sessionOf(clip, 'eval').model.text.contextLength,
      precision: clip.precision,
      interval: flags.bootstrap > 0 ? { share: 0.95, over: 'pictures', ...bootstrap } : null,
    }
    const whole = {
      ...result,
      images: images.length,
      captions: captions.length,
      protocol,
      warnings,
    }
    printResult(flags.json, whole, describeEvaluation)
  } finally {
    await clip.dispose()
  }
}

type Protocol = {
  name: string
  split: string | null
  captionsPerPicture: { least: number; most: number; mean: number }
  cleaning: string | null
  prompt: string | null
  preprocessing: PreprocessConfig
  interval: { samples: number; seed: number } | null
}

type Evaluation = RetrievalResult & { images: number; captions: number; protocol: Protocol }

function describeEvaluation(r: Evaluation): string {
  const percent = (x: number) => x.toFixed(2)
  const row = (
    title: string,
    direction: 'txt' | 'img',
    of: Pick<RetrievalResult, `${'txt' | 'img'}_r${1 | 5 | 10 | '_mean'}`>,
  ) => [title, ...([1, 5, 10, '_mean'] as const).map((k) => percent(of[`${direction}_r${k}`]))]
  const { interval, protocol: p } = r
  const bounds = (title: string, direction: 'txt' | 'img') =>
    interval
      ? [
          [
            title,
            ...([1, 5, 10, '_mean'] as const).map((k) => {
              const [low, high] = interval[`${direction}_r${k}`]
              return `${percent(low)}-${percent(high)}`
            }),
          ],
        ]
      : []
  const { least, most, mean } = p.captionsPerPicture
  const parts = [
    `protocol ${p.name}`,
    ...(p.split === null ? [] : [`split ${p.split}`]),
    least === most
      ? `${least} captions a picture`
      : `${least} to ${most} captions a picture, ${percent(mean)} on average`,
    p.cleaning === null ? 'captions as they are' : `captions cleaned by ${p.cleaning}`,
    p.prompt === null ? 'no prompt' : `prompt ${JSON.stringify(p.prompt)}`,
    `pictures ${p.preprocessing.size} px, ${p.preprocessing.interpolation}, ${resizeOf(p.preprocessing)}`,
  ]
  return [
    `${r.images} pictures, ${r.captions} captions, percent`,
    table(
      ['', 'R@1', 'R@5', 'R@10', 'mean'],
      [
        row('image to text', 'txt', r),
        ...bounds('  95 % interval', 'txt'),
        row('text to image', 'img', r),
        ...bounds('  95 % interval', 'img'),
        row('chance, to text', 'txt', r.chance),
        row('chance, to image', 'img', r.chance),
      ],
    ),
    `ranks of the right answer: to text mean ${percent(r.txt_mean_rank)}, median ${r.txt_median_rank}; to image mean ${percent(r.img_mean_rank)}, median ${r.img_median_rank}`,
    ...(p.interval
      ? [`intervals: ${p.interval.samples} sets of pictures drawn with replacement, seed ${p.interval.seed}`]
      : []),
    parts.join('; '),
  ].join('\n')
}

function spread(counts: number[]): Protocol['captionsPerPicture'] {
  let [least, most, total] = [Number.POSITIVE_INFINITY, 0, 0]
  for (const count of counts) {
    least = Math.min(least, count)
    most = Math.max(most, count)
    total += count
  }
  return { least, most, mean: total / counts.length }
}
