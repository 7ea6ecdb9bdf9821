/** Curves of a training run as PNG pictures: chart → SVG → sharp. */
import type { Chart } from './chart.js'
import { chartSvg } from './chart-svg.js'
import { epochLossChart, lossChart, recallChart } from './charts.js'
import { renderPng } from './svg.js'

// An SVG takes some milliseconds at most, and sharp makes pixels of it on a thread of its own.
const drawn =
  <A extends unknown[]>(chart: (...of: A) => Chart) =>
  async (...of: A): Promise<Buffer> =>
    renderPng(chartSvg(chart(...of)))

/** `lossChart` as an encoded PNG. */
export const lossPlot = drawn(lossChart)

/** `epochLossChart` as an encoded PNG. */
export const epochLossPlot = drawn(epochLossChart)

/** `recallChart` as an encoded PNG. */
export const recallPlot = drawn(recallChart)
