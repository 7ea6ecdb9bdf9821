// A thread that turns one vega-lite chart (workerData) into SVG. Plain JavaScript: it is loaded by path.
import { parentPort, workerData } from 'node:worker_threads'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'

const view = new View(parse(compile(workerData).spec), { renderer: 'none' })
parentPort.postMessage(await view.toSVG())
view.finalize()
