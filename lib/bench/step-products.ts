/** The products of a training step: what oneDNN would be left with if all else were free. */
import type { NativeModel } from '../native/model.js'
import { PASSES } from '../native/product-rate.js'

/** One that a step multiplies `times` times. */
export type StepProduct = {
  name: string
  pass: 'forward' | 'inputGrad' | 'weightGrad'
  rows: number
  inputs: number
  outputs: number
  times: number
}

type Tower = { width: number; layers: number; mlpWidth: number }

/** Of the layers of both towers, each of their passes; rows as if the last block computed all of them. */
export function stepProducts({ vision, text }: NativeModel, batchSize: number, tokens: number): StepProduct[] {
  const patches = (vision.imageSize / vision.patchSize) ** 2
  const layers = [
    ...towerLayers('image', vision, batchSize * (patches + 1)),
    ...towerLayers('text', text, batchSize * tokens),
  ]
  return layers.flatMap((layer) => PASSES.map((pass) => ({ ...layer, pass })))
}

function towerLayers(tower: string, { width, layers, mlpWidth }: Tower, rows: number): Omit<StepProduct, 'pass'>[] {
  const layer = (name: string, inputs: number, outputs: number) => ({
    name: `${tower} ${name}`,
    rows,
    inputs,
    outputs,
    times: layers,
  })
  return [
    layer('in_proj', width, 3 * width),
    layer('out_proj', width, width),
    layer('c_fc', width, mlpWidth),
    layer('c_proj', mlpWidth, width),
  ]
}
