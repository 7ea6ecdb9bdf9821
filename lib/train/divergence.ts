/** Whether a model still is one. */
import { allFinite } from '../base/arrays.js'
import type { Pixels } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import type { ReadyBatch } from './batches.js'

/** Pairs that a model is tried on: enough to see numbers overflow, and nothing beside a step. */
const PROBE = 2

/** A few pairs of a batch. */
export type Probe = { images: Pixels; texts: string[] }

export function probeOf({ pixels, captions }: ReadyBatch): Probe {
  const [n, height, width] = pixels.shape
  const count = Math.min(PROBE, n)
  const data = pixels.data.slice(0, count * height * width * 3)
  return { images: { shape: [count, height, width, 3], data }, texts: captions.slice(0, count) }
}

/**
 * What is not finite about a model as it is now, if anything: its weights, or its features, for weights may be finite
 * and so large that no product of them is. No step may be under way.
 */
export async function findDivergence(clip: Clip, probe: Probe | undefined): Promise<string | undefined> {
  const session = sessionOf(clip, 'train')
  for (const [index, { name }] of session.parameters.entries()) {
    const values = await session.call((native) => native.read({ index, slot: 'value' }))
    if (!allFinite(values)) return notFinite(name)
  }
  return findOddFeatures(clip, probe)
}

/** The same of its features alone, which takes next to no time. */
export async function findOddFeatures(clip: Clip, probe: Probe | undefined): Promise<string | undefined> {
  if (!probe) return undefined
  const features = await Promise.all([clip.encodeImages(probe.images), clip.encodeTexts(probe.texts)])
  return features.every(({ data }) => allFinite(data)) ? undefined : 'its features are no longer finite numbers'
}

export function notFinite(name: string): string {
  return `its weights are no longer finite (${name})`
}
