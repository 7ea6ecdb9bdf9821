// A step of N ranks on paper: what each computes by bench/roofline-step.mjs, what they send by bytes.mjs, how long that takes by
// network.mjs.
import { cards, floorOf, tokens } from '../roofline.mjs'
import { FLOAT, HALF, lossOps, sum } from '../roofline-ops.mjs'
import { models, parameterCount, stepOps } from '../roofline-step.mjs'
import { gatherTime, reduceTime } from './network.mjs'

/** At rates that were reached on one. */
export const CARD = cards['H200, reached']
/** Assumed: buckets that gradients are sent in while the backward pass goes on. */
export const BUCKETS = 10
/** Pairs of a batch up to which the loss multiplies features in f32: engine/gradients.cpp. */
const EXACT_PAIRS = 16384

const seconds = (ops, card) => floorOf(ops, card).seconds

/**
 * Seconds of a step, by part. `gradients`: their sums, all of them after the backward pass; `exposed`: what is left of that where
 * they are sent in buckets meanwhile; `optimizer`: as every rank repeats it.
 * @param {string} name of a model
 * @param {{ ranks: number, batch: number, network: import('./network.mjs').Network, card?: object }} o `batch`: pairs of all ranks
 */
export function stepParts(name, { ranks, batch, network, card = CARD }) {
  const model = models[name]
  const own = Math.ceil(batch / ranks)
  const ops = stepOps(model, own, tokens, card)
  const towers = ops.filter(({ part }) => part !== 'InfoNCE' && part !== 'optimizer')
  const backward = seconds(
    towers.filter(({ name }) => name.includes('_grad')),
    card,
  )
  const features = batch * model.embedDim
  const feature = batch <= EXACT_PAIRS ? FLOAT : HALF
  const gradients = reduceTime(FLOAT * parameterCount(model), ranks, network)
  return {
    towers: seconds(towers, card),
    backward,
    // A rank's rows against all columns: an Nth of the arithmetic of the whole.
    loss: seconds(lossOps(batch, model.embedDim, card), card) / ranks,
    optimizer: seconds(
      ops.filter(({ part }) => part === 'optimizer'),
      card,
    ),
    features: sum([
      gatherTime(feature * features, ranks, network),
      gatherTime(FLOAT * features, ranks, network), // their gradients, scattered
      2 * reduceTime(FLOAT * batch, ranks, network), // statistics of columns: the largest, then the sums
      reduceTime(FLOAT, ranks, network), // the loss
    ]),
    gradients,
    exposed: Math.max(gradients / BUCKETS, gradients - backward),
  }
}

/** Seconds of a step as the code makes it, and with gradients sent during the backward pass. */
export function stepTimes(name, o) {
  const p = stepParts(name, o)
  const base = p.towers + p.loss + p.optimizer + p.features
  return { after: base + p.gradients, meanwhile: base + p.exposed, parts: p }
}
