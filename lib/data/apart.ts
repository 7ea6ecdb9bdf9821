/** Batches without two samples of one group, as sentence-transformers' NoDuplicatesBatchSampler has them. */

export type Apart = {
  /** Of each sample, by its number: equal ones are to come in different batches. */
  groups: Int32Array
  batchSize: number
}

/**
 * The order with few samples changed so that batches hold no group twice. A sample whose group its batch has already changes
 * places with one of the next batch that can take it, where there is one: a group with more samples than there are
 * batches stays together somewhere, and so may one where every group is in nearly every batch. Depends on nothing but the arguments.
 * @param order numbers of samples, a permutation; batches are cut from its beginning on
 */
export function keepApart(order: Int32Array, { groups, batchSize }: Apart): Int32Array {
  const placed = Int32Array.from(order)
  const batches = Math.ceil(placed.length / batchSize)
  const batchOf = (position: number) => Math.floor(position / batchSize)
  const groupAt = (position: number) => groups[placed[position]!]!
  /** Of groups with several samples: how many each batch has. */
  const held = new Map([...repeated(groups)].map((group) => [group, new Map<number, number>()]))
  const count = (group: number, batch: number) => held.get(group)?.get(batch) ?? 0
  const add = (group: number, batch: number, change: number) => {
    const of = held.get(group)
    const left = count(group, batch) + change
    if (left > 0) of?.set(batch, left)
    else of?.delete(batch)
  }
  for (let position = 0; position < placed.length; position++) add(groupAt(position), batchOf(position), 1)

  const placeFor = (group: number, batch: number): number | undefined => {
    if (held.get(group)!.size === batches) return undefined
    for (let step = 1; step < batches; step++) {
      const other = (batch + step) % batches
      if (count(group, other) > 0) continue
      const end = Math.min((other + 1) * batchSize, placed.length)
      for (let position = other * batchSize; position < end; position++)
        if (count(groupAt(position), batch) === 0) return position
    }
    return undefined
  }
  for (let position = 0; position < placed.length; position++) {
    const [group, batch] = [groupAt(position), batchOf(position)]
    if (count(group, batch) < 2) continue
    const other = placeFor(group, batch)
    if (other === undefined) continue
    const [its, there] = [groupAt(other), batchOf(other)]
    add(group, batch, -1)
    add(its, there, -1)
    add(group, there, 1)
    add(its, batch, 1)
    const sample = placed[position]!
    placed[position] = placed[other]!
    placed[other] = sample
  }
  return placed
}

function repeated(groups: Int32Array): Set<number> {
  const [once, again] = [new Set<number>(), new Set<number>()]
  for (const group of groups) (once.has(group) ? again : once).add(group)
  return again
}
