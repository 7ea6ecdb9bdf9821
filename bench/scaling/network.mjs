// How long the collectives of NCCL take on paper: rings and trees over cards in nodes.

/**
 * `perNode`: cards; `within` and `between` nodes: what a card, or a node, sends a second in one direction, and the latency of a hop;
 * `base`: of a collective. Sources and what is assumed: bench/scaling.md.
 * @typedef {{ perNode: number, base: number, within: { bandwidth: number, hop: number }, between: { bandwidth: number, hop: number } }} Network
 */

/** Assumed: the share of a line's rate that a collective of large values reaches. */
export const EFFICIENCY = 0.8

/** Rates of the lines, in bytes a second. @type {Record<string, Network>} */
export const networks = {
  'NVLink 4, 8 x NDR': {
    perNode: 8,
    base: 8.4e-6,
    within: { bandwidth: EFFICIENCY * 450e9, hop: 3.4e-6 },
    between: { bandwidth: EFFICIENCY * 8 * 50e9, hop: 14e-6 },
  },
  'NVLink 4, 100 GbE': {
    perNode: 8,
    base: 8.4e-6,
    within: { bandwidth: EFFICIENCY * 450e9, hop: 3.4e-6 },
    between: { bandwidth: EFFICIENCY * 12.5e9, hop: 14e-6 },
  },
}

function over(network, ranks) {
  const nodes = Math.ceil(ranks / network.perNode)
  const { within, between } = network
  return {
    bandwidth: nodes > 1 ? Math.min(within.bandwidth, between.bandwidth) : within.bandwidth,
    ringHops: nodes > 1 ? (ranks - nodes) * within.hop + nodes * between.hop : (ranks - 1) * within.hop,
    treeHops: Math.log2(nodes) * between.hop + (Math.min(ranks, network.perNode) - 1) * within.hop,
  }
}

/** Seconds until all have the rows of all, or their share of the sums: `bytes` of the whole. */
export function gatherTime(bytes, ranks, network) {
  if (ranks === 1) return 0
  const { bandwidth, ringHops } = over(network, ranks)
  return network.base + ringHops + (((ranks - 1) / ranks) * bytes) / bandwidth
}

/** Seconds until all have the sums: by a ring, or by a tree where that is faster, as NCCL chooses. */
export function reduceTime(bytes, ranks, network) {
  if (ranks === 1) return 0
  const { bandwidth, ringHops, treeHops } = over(network, ranks)
  const ring = 2 * ringHops + (((2 * (ranks - 1)) / ranks) * bytes) / bandwidth
  const tree = 2 * treeHops + (2 * bytes) / bandwidth
  return network.base + Math.min(ring, tree)
}
