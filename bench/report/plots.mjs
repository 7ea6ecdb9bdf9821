// Results as drawings, in the place of which there is nothing where there are no results for them.
import { barChartSvg } from '../../dist/report/bar-chart.js'
import { reaching } from '../../dist/report/chart.js'
import { chartSvg } from '../../dist/report/chart-svg.js'
import { OKABE_ITO } from '../../dist/report/palette.js'
import { profileChart } from '../../dist/report/profile-picture.js'
import { rooflineSvg } from '../../dist/report/roofline-chart.js'
import { SUBJECTS } from '../subjects/table.mjs'
import { labelOf } from '../suite/name.mjs'
import { ratio } from '../suite/summary.mjs'

const COLOURS = Object.values(OKABE_ITO)

/** @returns {{ file: string, about: string, svg: string }[]} those of all results, by subject */
export function plotsOf(bySubject) {
  return [
    ratios(bySubject),
    ...profiles(bySubject.profile),
    ...byBatch(bySubject.step),
    encoders(bySubject.infer),
  ].filter(Boolean)
}

/** How many times as good clipwright is, a bar for each case and peer, in a colour for each peer. */
function ratios(bySubject) {
  const rows = Object.entries(bySubject).flatMap(([subject, results]) =>
    results.flatMap((result) =>
      Object.keys(result.contenders)
        .filter((name) => name !== 'clipwright')
        .flatMap((peer) => {
          const { clipwright } = result.contenders
          const times = ratio(clipwright?.summary, result.contenders[peer].summary, SUBJECTS[subject].figures[0])
          return times === undefined ? [] : [{ subject, result, peer, times }]
        }),
    ),
  )
  if (rows.length === 0) return undefined
  const peers = [...new Set(rows.map(({ peer }) => peer))]
  const bars = rows.map(({ subject, result, peer, times }) => ({
    label: `${subject} ${labelOf(result.row)}`,
    value: times,
    text: `${times.toFixed(2)} × ${peer}`,
    colour: COLOURS[peers.indexOf(peer) % COLOURS.length],
  }))
  const svg = barChartSvg({
    title: 'clipwright beside its peers',
    caption: 'how many times as fast, by medians of trials in turns; longer is better',
    bars,
    level: { value: 1, text: 'as fast' },
  })
  return { file: 'ratios.svg', about: 'how many times as fast as each peer', svg }
}

/** Of the first case that has one. */
function profiles(results = []) {
  const found = results.find(({ contenders }) => contenders.clipwright?.trials.at(-1)?.ops)
  if (!found) return []
  const profile = found.contenders.clipwright.trials.at(-1)
  const title = `A step of ${labelOf(found.row)}`
  const drawn = [
    { file: 'profile.svg', about: `${title}, by operation`, svg: barChartSvg(profileChart(title, profile)) },
  ]
  if (profile.ceilings)
    drawn.push({
      file: 'roofline.svg',
      about: `${title}: operations beneath the roofs of the machine`,
      svg: rooflineSvg({ title: `${title}: circles by time`, ceilings: profile.ceilings, ops: profile.ops }),
    })
  return drawn
}

/** Of the steps that differ in their batch alone, those of which there are most. */
function byBatch(results = []) {
  const series = new Map()
  for (const result of results) {
    const { model, precision, tokens } = result.row
    const key = `${model}, ${precision}, ${tokens} tokens`
    series.set(key, [...(series.get(key) ?? []), result])
  }
  const batches = (cases) => new Set(cases.map(({ row }) => row.batchSize)).size
  const [[name, cases] = []] = [...series].sort((a, b) => batches(b[1]) - batches(a[1]))
  if (!cases || batches(cases) < 2) return []
  return SUBJECTS.step.figures.map((figure, i) => ({
    file: ['batch-speed.svg', 'batch-memory.svg'][i],
    about: `${figure.title} of a step of ${name}, by batch`,
    svg: chartSvg(batchChart(name, figure, cases)),
  }))
}

/** How a batch goes through, beside plainly. */
const mannerOf = ({ microBatch, checkpointing }) =>
  [microBatch && `${microBatch} at a time`, checkpointing && 'checkpointing'].filter(Boolean).join(', ')

function batchChart(name, { key, title, unit }, cases) {
  const who = [...new Set(cases.flatMap(({ contenders }) => Object.keys(contenders)))]
  const manners = [...new Set(cases.map(({ row }) => mannerOf(row)))].sort((a, b) => a.length - b.length)
  const lines = manners.flatMap((manner) => who.map((contender) => ({ manner, contender })))
  const curves = lines
    .map(({ manner, contender }, i) => ({
      name: [contender, manner].filter(Boolean).join(', '),
      points: cases
        .filter(({ row }) => mannerOf(row) === manner)
        .map(({ row, contenders }) => [row.batchSize, contenders[contender]?.summary?.[key]?.median ?? Number.NaN])
        .filter(([, y]) => Number.isFinite(y))
        .sort(([a], [b]) => a - b),
      look: { colour: COLOURS[i % COLOURS.length], width: 2.5, marker: manner === '' ? 'disc' : 'ring' },
    }))
    .filter(({ points }) => points.length > 0)
  const values = curves.flatMap(({ points }) => points.map(([, y]) => y))
  return {
    title: `${title}, ${name}`,
    x: { title: 'pairs per step', domain: [0, Math.max(...cases.map(({ row }) => row.batchSize)) * 1.05], whole: true },
    y: { title: unit, domain: reaching([0, ...values], 0.08) },
    levels: [],
    curves,
    legend: curves.map(({ name: text, look }) => ({ text, look })),
  }
}

/** What a process takes that encodes one picture at a time, a bar for each precision and contender. */
function encoders(results = []) {
  const bars = results
    .filter(({ row }) => row.tower === 'image' && row.batchSize === 1)
    .flatMap(({ row, contenders }) =>
      Object.entries(contenders).flatMap(([who, { summary }]) => {
        const memory = summary?.rssMiB?.median
        if (memory === undefined || (who !== 'clipwright' && row.encodeOnly)) return []
        const manner = row.encodeOnly || row.precision === 'int8' ? 'only encodes' : 'can be trained'
        const label = [who, row.model, row.precision, ...(who === 'clipwright' ? [manner] : [])].join(', ')
        return [{ label, value: memory, text: `${memory.toFixed(0)} MiB`, who }]
      }),
    )
  if (bars.length < 2) return undefined
  const names = [...new Set(bars.map(({ who }) => who))]
  const svg = barChartSvg({
    title: 'Memory of a process that encodes pictures one at a time',
    caption: 'resident memory between calls, MiB; shorter is better',
    bars: bars.map(({ who, ...bar }) => ({ ...bar, colour: COLOURS[names.indexOf(who) % COLOURS.length] })),
  })
  return { file: 'encoder-memory.svg', about: 'resident memory of processes that encode one picture at a time', svg }
}
