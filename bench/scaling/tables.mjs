// What scaling.md shows.
import { digits, table } from '../report/markdown.mjs'
import { models, parameterCount } from '../roofline-step.mjs'
import { predicted } from './here.mjs'
import { BUCKETS, stepTimes } from './model.mjs'
import { networks } from './network.mjs'

export const CARDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
/** Pairs of each card in weak scaling, of all in strong scaling. */
export const WEAK = { 'ViT-B-32': 1024, 'ViT-L-14': 256, 'ViT-H-14': 128 }
export const STRONG = { 'ViT-B-32': 32768, 'ViT-L-14': 32768, 'ViT-H-14': 32768 }

const ms = (seconds) => digits(1000 * seconds)
const percent = (x) => `${(100 * x).toFixed(0)} %`

/** Of weak scaling: the time of one card by that of `ranks`, each with its own pairs. */
export function weakEfficiency(name, network, ranks, way) {
  const at = (count) => stepTimes(name, { ranks: count, batch: WEAK[name] * count, network })[way]
  return at(1) / at(ranks)
}

/** Of strong scaling: as many times as fast as 8 cards, by how many times as many there are. */
export function strongEfficiency(name, network, ranks, way) {
  const at = (count) => stepTimes(name, { ranks: count, batch: STRONG[name], network })[way]
  return (8 * at(8)) / (ranks * at(ranks))
}

export function paperTables() {
  return Object.entries(networks).flatMap(([label, network]) => [
    `### ${label}: as many pairs on each card (weak scaling)`,
    efficiencies(Object.entries(WEAK), CARDS, (name, ranks, way) => weakEfficiency(name, network, ranks, way)),
    `### ${label}: 32,768 pairs on all cards (strong scaling, against 8 cards)`,
    efficiencies(Object.entries(STRONG), CARDS.slice(3), (name, ranks, way) =>
      strongEfficiency(name, network, ranks, way),
    ),
    `### ${label}: where the time goes, as many pairs on each card, in ms`,
    parts(network),
  ])
}

function efficiencies(named, counts, efficiency) {
  const rows = named.flatMap(([name, batch]) =>
    [
      ['after', 'after it'],
      ['meanwhile', `in ${BUCKETS} buckets meanwhile`],
    ].map(([way, words]) => [
      `${name}, ${batch} pairs`,
      words,
      ...counts.map((n) => percent(efficiency(name, n, way))),
    ]),
  )
  return table(['model', 'gradients sent', ...counts], rows)
}

function parts(network) {
  const rows = Object.keys(WEAK).flatMap((name) =>
    [8, 64, 1024].map((ranks) => {
      const { after, meanwhile, parts } = stepTimes(name, { ranks, batch: WEAK[name] * ranks, network })
      const { towers, loss, optimizer, features, gradients, exposed } = parts
      return [name, ranks, ...[towers, loss, optimizer, features, gradients, exposed, after, meanwhile].map(ms)]
    }),
  )
  return table(
    [
      'model',
      'cards',
      'towers',
      'loss',
      'optimizer',
      'features',
      'gradients',
      'left of them',
      'step',
      'step, meanwhile',
    ],
    rows,
  )
}

/** Of this machine; a sentence where nothing was measured. */
export function measuredTables(measured) {
  if (!measured)
    return ['### On one machine', 'Nothing has been measured yet: `npm run bench:scaling -- --measure --write`.']
  const { model, precision } = measured.options
  return [
    '### On one machine',
    `${measured.machine.cpu}, ${measured.processors} processors, ${measured.date}, commit ${measured.machine.commit}: ${model}, ${precision}, the CPU.${measured.busy ? ' **Other work was running**: these figures are those of a busy machine.' : ''}`,
    stepTable(measured),
    'What the collectives took by themselves:',
    distTable(measured.dist),
  ]
}

function stepTable({ steps, profiles, dist, options }) {
  const { embedDim } = models[options.model]
  const gradientBytes = 4 * parameterCount(models[options.model])
  const rows = steps.flatMap(({ batch, stepMs }) => {
    const profile = profiles.find((one) => one.batch === batch)
    const [alone] = stepMs.map(({ all }) => Math.min(...all))
    return stepMs.map(({ ranks, all }) => {
      const best = Math.min(...all)
      if (ranks === 1) return [batch, 1, ...['', '', '', ''], digits(best), '100 %']
      const found = dist.find((one) => one.ranks === ranks)
      const { shared, repeated, between } = predicted(profile, found, {
        gradientBytes,
        featureBytes: 4 * batch * embedDim,
      })
      const paper = shared + repeated + between
      return [batch, ranks, ...[shared, repeated, between, paper, best].map(digits), percent(alone / best)]
    })
  })
  return table(
    ['pairs', 'ranks', 'shared, ms', 'repeated', 'between ranks', 'on paper', 'measured (best)', 'of one process'],
    rows,
  )
}

function distTable(dist) {
  const rows = dist.flatMap(({ ranks, collectives }) =>
    collectives.map(({ name, sizes, fit }) => [
      ranks,
      `\`${name}\``,
      digits(sizes[0].medianUs),
      digits(sizes.at(-1).medianUs / 1000),
      digits(fit.alphaUs),
      digits(fit.gbPerSecond),
      digits(fit.worst),
    ]),
  )
  return table(
    ['ranks', 'collective', 'smallest, µs', '256 MiB, ms', 'fit: µs a call', 'GB/s sent', 'farthest, times'],
    rows,
  )
}
