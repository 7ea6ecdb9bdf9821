/** A zero-shot evaluation as `clipwright eval --zero-shot` prints it. */
import { counted } from '../base/counted.js'
import type { ZeroShotEvaluation } from '../eval/zero-shot/evaluate-zero-shot.js'
import { resizeOf } from '../image/preprocess-config.js'
import { cutTo } from '../report/columns.js'
import { table } from '../report/table.js'

const FIGURES = [
  ['top-1', 'top1'],
  ['top-5', 'top5'],
  ['mean per class', 'meanPerClass'],
] as const
/** Of the classes that go worst, and of the confusions. */
const MOST = 5

const percent = (x: number) => x.toFixed(2)

export function zeroShotText(r: ZeroShotEvaluation): string {
  const { interval, chance, protocol: p } = r
  const rows = FIGURES.map(([title, key]) => [
    title,
    percent(r[key]),
    percent(chance[key]),
    ...(interval ? [interval[key].map(percent).join('-')] : []),
  ])
  return [
    `${counted(r.images, 'picture')} of ${r.classes.length} classes, percent`,
    table(['', 'accuracy', 'chance', ...(interval ? ['95 % interval'] : [])], rows),
    ...worst(r),
    ...(p.interval
      ? [`intervals: ${p.interval.samples} sets of pictures drawn with replacement, seed ${p.interval.seed}`]
      : []),
    `names from ${p.names}; ${counted(p.templates.length, 'sentence')} a class;`,
    `pictures ${p.preprocessing.size} px, ${p.preprocessing.interpolation}, ${resizeOf(p.preprocessing)}`,
  ].join('\n')
}

/** The classes of which least is right, and what they are taken for. */
function worst({ classes, confusion }: ZeroShotEvaluation): string[] {
  const rows = classes
    .map(({ name, images, top1 }, own) => {
      const others = confusion[own]!.map((count, first) => ({ count: first === own ? 0 : count, first }))
      const most = others.reduce((a, b) => (b.count > a.count ? b : a))
      return { name, images, top1, for: most.count > 0 ? `${most.count} as ${classes[most.first]!.name}` : '' }
    })
    .filter(({ images, top1 }) => images > 0 && top1 < 100)
    .sort((a, b) => a.top1 - b.top1)
    .slice(0, MOST)
  if (rows.length === 0) return []
  const cut = (text: string) => cutTo(28, text)
  return [
    table(
      ['least right', 'pictures', 'top-1', 'most often taken for'],
      rows.map((row) => [cut(row.name), row.images, percent(row.top1), cut(row.for)]),
    ),
  ]
}
