/** Lists that a run measures on: the validation list, and canaries. */
import { openSource } from '../data/open.js'
import type { SourceOptions } from '../data/source.js'
import { type EvalSet, evalSet } from '../eval/eval-set.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import type { Note } from './events.js'
import type { Settings } from './options/options.js'
import type { TrainingState } from './state.js'

/** What a list holds, and what tells it from others, wherever it lies. */
export type MeasuredList = { path: string; set: EvalSet; print: NonNullable<TrainingState['val']>; notes: Note[] }

/** @throws ClipwrightError what a list can be wrong with */
export async function measuredList(path: string, o: Settings): Promise<MeasuredList> {
  const source = await openSource(path, { ...placesOf(o), split: o.valSplit, use: 'val' })
  const set = await evalSet(source)
  const print = { sha256: await source.identity(), ...(source.split !== undefined && { split: source.split }) }
  const captions = o.preCaption ? set.captions.map((caption) => preCaption(caption)) : set.captions
  return { path: source.path, set: { ...set, captions }, print, notes: (source.notes ?? []).map(oddData) }
}

/** What the options say of all lists. */
export function placesOf({ absolutePaths, imageKey, captionKey }: Settings): SourceOptions {
  return { absolutePaths, imageKey, captionKey }
}

/** What a source says of itself. */
export function oddData(message: string): Note {
  return { code: 'data', message }
}
