/** The graphs of a model: its two towers, and both with the logits of every pair. */
import { ClipwrightError } from '../../../base/errors.js'
import type { NativeModel } from '../../../native/model.js'
import { bert } from './bert.js'
import { causal } from './causal.js'
import { Graph, type ValueInfo, type WeightShapes } from './graph.js'
import { normalized } from './layers.js'
import { siglip } from './siglip.js'
import type { TextGraph, VisionGraph } from './tower.js'
import { vit } from './vit.js'

/** The kinds of towers: a further kind is a file beside this one, and a row. */
const VISION: Readonly<Record<string, VisionGraph>> = { vit, siglip }
const TEXT: Readonly<Record<string, TextGraph>> = { causal, bert }

/** By the names of their files, without what says the type of weights. */
export type Graphs = Record<'vision_model' | 'text_model' | 'model', Graph>

export const GRAPH_NAMES = ['vision_model', 'text_model', 'model'] as const satisfies (keyof Graphs)[]

/**
 * Names of inputs and outputs are those of transformers.js: of CLIPVisionModelWithProjection and CLIPTextModelWithProjection,
 * whose features are not normalised, and of CLIPModel, whose are.
 * @throws ClipwrightError ERR_UNSUPPORTED naming what of the model has no graph
 */
export function graphsOf(model: NativeModel, weights: WeightShapes): Graphs {
  const towers = { vision: known(VISION, model.vision, 'image'), text: known(TEXT, model.text, 'text') }
  const graphs = {
    vision_model: visionGraph(model, towers.vision, new Graph(weights)),
    text_model: textGraph(model, towers.text, new Graph(weights)),
    model: pairGraph(model, towers, new Graph(weights)),
  }
  const left = [...weights.keys()].filter((name) => !graphs.model.weights.has(name))
  if (left.length === 0) return graphs
  const message = `Layout "onnx" has no graph for this model: nothing in it would take the weight ${JSON.stringify(left[0])}${left.length > 1 ? ` and ${left.length - 1} more` : ''}.`
  throw new ClipwrightError('ERR_UNSUPPORTED', message)
}

/** A tower of a known kind, all of whose keys are known: a graph that leaves one out computes something else. */
function known<T extends { keys: readonly string[] }>(
  table: Readonly<Record<string, T>>,
  tower: { kind: string },
  what: string,
): T {
  const row = Object.hasOwn(table, tower.kind) ? table[tower.kind] : undefined
  const odd = Object.entries<unknown>(tower).find(([key, value]) => isSaid(value) && row?.keys.includes(key) === false)
  if (row && !odd) return row
  const reason = odd ? `${what} towers with "${odd[0]}"` : `${what} towers of the kind "${tower.kind}"`
  throw new ClipwrightError('ERR_UNSUPPORTED', `Layout "onnx" has no graph for ${reason}.`)
}

const isSaid = (value: unknown) => value !== undefined && value !== null && value !== false

function visionGraph({ vision, embedDim }: NativeModel, tower: VisionGraph, g: Graph): Graph {
  const pixels = g.input(pixelValues(vision, 'batch_size'))
  const features = tower.build(g, vision, { pixel_values: pixels })
  g.output({ name: 'image_embeds', type: 'f32', shape: ['batch_size', embedDim] }, features)
  return g
}

function textGraph({ text, embedDim }: NativeModel, tower: TextGraph, g: Graph): Graph {
  const inputs = tower.inputs.map((name) => [name, g.input(ofTokens(name, 'batch_size'))])
  const features = tower.build(g, text, Object.fromEntries(inputs))
  g.output({ name: 'text_embeds', type: 'f32', shape: ['batch_size', embedDim] }, features)
  return g
}

function pairGraph(model: NativeModel, towers: { vision: VisionGraph; text: TextGraph }, g: Graph): Graph {
  const { vision, text, embedDim } = model
  const [images, texts] = ['image_batch_size', 'text_batch_size']
  const inputs = Object.fromEntries(towers.text.inputs.map((name) => [name, g.input(ofTokens(name, texts))]))
  const pixels = g.input(pixelValues(vision, images))
  const ofImages = normalized(g, towers.vision.build(g, vision, { pixel_values: pixels }))
  const ofTexts = normalized(g, towers.text.build(g, text, inputs))
  const across = g.node('Transpose', [ofTexts], { perm: [1, 0] })
  const scaled = g.node('Mul', [g.node('MatMul', [ofImages, across]), g.node('Exp', [g.weight('logit_scale')])])
  const logits = model.initLogitBias === undefined ? scaled : g.node('Add', [scaled, g.weight('logit_bias')])
  g.output({ name: 'logits_per_image', type: 'f32', shape: [images, texts] }, logits)
  const turned = g.node('Transpose', [logits], { perm: [1, 0] })
  g.output({ name: 'logits_per_text', type: 'f32', shape: [texts, images] }, turned)
  g.output({ name: 'text_embeds', type: 'f32', shape: [texts, embedDim] }, ofTexts)
  g.output({ name: 'image_embeds', type: 'f32', shape: [images, embedDim] }, ofImages)
  return g
}

function pixelValues({ imageSize }: NativeModel['vision'], batch: string): ValueInfo {
  return { name: 'pixel_values', type: 'f32', shape: [batch, 3, imageSize, imageSize] }
}

const ofTokens = (name: string, batch: string): ValueInfo => ({ name, type: 'i64', shape: [batch, 'sequence_length'] })
