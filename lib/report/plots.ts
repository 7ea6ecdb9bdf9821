/** Curves of a training run as PNG pictures: vega-lite → SVG → sharp. */
import { Worker } from 'node:worker_threads'
import type { TopLevelSpec } from 'vega-lite'
import { type EpochPoint, type EvalPoint, epochLossChart, type LossPoint, lossChart, recallChart } from './charts.js'
import { renderPng } from './svg.js'

/** @returns `lossChart` as an encoded PNG */
export function lossPlot(points: readonly LossPoint[], evals: readonly EvalPoint[] = []): Promise<Buffer> {
  return draw(lossChart(points, evals))
}

/** @returns `epochLossChart` as an encoded PNG */
export function epochLossPlot(points: readonly EpochPoint[]): Promise<Buffer> {
  return draw(epochLossChart(points))
}

/** @returns `recallChart` as an encoded PNG */
export function recallPlot(evals: readonly EvalPoint[]): Promise<Buffer> {
  return draw(recallChart(evals))
}

async function draw(chart: TopLevelSpec): Promise<Buffer> {
  return renderPng(await drawSvg(chart))
}

/** vega computes a chart for some 200 ms, which the event loop of a training run has not: a thread of its own does it. */
function drawSvg(spec: TopLevelSpec): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./vega-worker.mjs', import.meta.url), { workerData: spec })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread that draws charts ended with ${code}`)))
  })
}
