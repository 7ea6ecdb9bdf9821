/** An evaluation as `clipwright eval` prints it. */
import { counted } from '../base/counted.js'
import type { EvaluationProtocol, ModelEvaluation } from '../eval/evaluate-model.js'
import type { RetrievalResult } from '../eval/retrieval.js'
import { resizeOf } from '../image/preprocess-config.js'
import { table } from '../report/table.js'
import { wrapWords } from '../report/wrap-words.js'

const MEASURES = [1, 5, 10, '_mean'] as const
type Direction = 'txt' | 'img'
type Recalls = Pick<RetrievalResult, `${Direction}_r${(typeof MEASURES)[number]}`>

const percent = (x: number) => x.toFixed(2)

export function evaluationText(r: ModelEvaluation, width: number): string {
  return [
    `${counted(r.images, 'picture')}, ${counted(r.captions, 'caption')}, percent`,
    recallTable(r),
    ...wrapWords(
      `ranks of the right answer: to text mean ${percent(r.txt_mean_rank)}, median ${r.txt_median_rank}; to image mean ${percent(r.img_mean_rank)}, median ${r.img_median_rank}`,
      width,
    ),
    ...(r.protocol.interval
      ? [
          `intervals: ${r.protocol.interval.samples} sets of pictures drawn with replacement, seed ${r.protocol.interval.seed}`,
        ]
      : []),
    ...wrapWords(protocolText(r.protocol), width),
  ].join('\n')
}

function recallTable({ interval, ...r }: ModelEvaluation): string {
  const row = (title: string, direction: Direction, of: Recalls) => [
    title,
    ...MEASURES.map((k) => percent(of[`${direction}_r${k}`])),
  ]
  const bounds = (title: string, direction: Direction) =>
    interval ? [[title, ...MEASURES.map((k) => interval[`${direction}_r${k}`].map(percent).join('-'))]] : []
  return table(
    ['', 'R@1', 'R@5', 'R@10', 'mean'],
    [
      row('image to text', 'txt', r),
      ...bounds('  95 % interval', 'txt'),
      row('text to image', 'img', r),
      ...bounds('  95 % interval', 'img'),
      row('chance, to text', 'txt', r.chance),
      row('chance, to image', 'img', r.chance),
    ],
  )
}

function protocolText(p: EvaluationProtocol): string {
  const { least, most, mean } = p.captionsPerPicture
  return [
    `protocol ${p.name}`,
    ...(p.split === null ? [] : [`split ${p.split}`]),
    least === most
      ? `${counted(least, 'caption')} per picture`
      : `${least} to ${most} captions per picture, ${percent(mean)} on average`,
    p.cleaning === null ? 'captions as they are' : `captions cleaned by ${p.cleaning}`,
    p.prompt === null ? 'no prompt' : `prompt ${JSON.stringify(p.prompt)}`,
    `pictures ${p.preprocessing.size} px, ${p.preprocessing.interpolation}, ${resizeOf(p.preprocessing)}`,
  ].join('; ')
}
