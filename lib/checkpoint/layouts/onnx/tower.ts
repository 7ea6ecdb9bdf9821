/** What a kind of tower says of its graph. */
import type { NativeModel } from '../../../native/model.js'
import type { Graph } from './graph.js'

export type TowerGraph<Tower> = {
  /** The keys of such a tower that the graph says something of, or need not: a tower with others is another. */
  keys: readonly string[]
  /** Names of the inputs, as transformers.js has them. */
  inputs: readonly string[]
  /**
   * @param inputs values of these names
   * @returns features [B, embed_dim], not normalised
   * @throws ClipwrightError ERR_UNSUPPORTED for a tower that has no graph
   */
  build(g: Graph, tower: Tower, inputs: Readonly<Record<string, string>>): string
}

export type VisionGraph = TowerGraph<NativeModel['vision']>
export type TextGraph = TowerGraph<NativeModel['text']>

/** Of every kind. */
export const BLOCK_KEYS = ['kind', 'width', 'layers', 'heads', 'mlpWidth', 'activation', 'layerNormEps'] as const
