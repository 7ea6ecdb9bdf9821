// Scaling as drawings, in the style of bench/report.
import { writeFileSync } from 'node:fs'
import { chartSvg } from '../../dist/report/chart-svg.js'
import { OKABE_ITO } from '../../dist/report/palette.js'
import { networks } from './network.mjs'
import { CARDS, STRONG, strongEfficiency, WEAK, weakEfficiency } from './tables.mjs'

const COLOURS = Object.values(OKABE_ITO)

const plots = {
  'weak.svg': { title: 'As many pairs on each card', of: WEAK, counts: CARDS, efficiency: weakEfficiency },
  'strong.svg': {
    title: '32,768 pairs on all cards',
    of: STRONG,
    counts: CARDS.slice(3),
    efficiency: strongEfficiency,
  },
}

export function writeScalingPlots() {
  for (const [file, plot] of Object.entries(plots))
    writeFileSync(new URL(file, import.meta.url), `${chartSvg(chartOf(plot))}\n`)
}

function chartOf({ title, of, counts, efficiency }) {
  const curves = Object.entries(networks).flatMap(([label, network], n) =>
    Object.keys(of).map((name, i) => ({
      name: `${name}, ${label}`,
      points: counts.map((ranks) => [Math.log2(ranks), 100 * efficiency(name, network, ranks, 'after')]),
      look: { colour: COLOURS[i % COLOURS.length], width: 2.5, marker: 'disc', ...(n > 0 && { dash: '6 4' }) },
    })),
  )
  return {
    title: `${title}: on paper, gradients sent after the backward pass`,
    x: { title: 'cards, as powers of two', domain: [Math.log2(counts[0]), 10.2], whole: true },
    y: { title: 'of the ideal, %', domain: [0, 105], lastTick: 100 },
    levels: [],
    curves,
    legend: curves.map(({ name: text, look }) => ({ text, look })),
  }
}
