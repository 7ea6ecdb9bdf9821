/** What is saved beside a checkpoint: averaged weights as a model of their own, and adapters alone. */
import { type SaveManner, saveModel } from '../clip/save.js'
import { sessionOf } from '../clip/session.js'
import { BEST, type Copied, keepAs, LAST } from './checkpoints.js'
import type { PreparedRun } from './prepare.js'
import { ADAPTERS, AVERAGES } from './run-names.js'

type Names = { alsoAs: readonly string[] }

/**
 * Writes what belongs to `checkpoints/last` as it is now, and to `best` where that is the same. No step may run until `saved`
 * resolves, or, with `copied`, until this does.
 * @param state whose `alsoAs` counts
 * @param copied `after`: the checkpoint's own way to the disk
 * @throws ClipwrightError ERR_DISPOSED; `saved` ERR_IO
 */
export async function beginSaveBeside(
  { clip, optimizer, folder, settings }: PreparedRun,
  { alsoAs }: Names,
  copied?: Copied & { after: Promise<unknown> },
): Promise<{ saved: Promise<void>; again(): Promise<void> }> {
  if (!folder.writes) return { saved: Promise.resolve(), again: async () => {} }
  const others = alsoAs.includes(BEST) ? [BEST] : []
  const saveAverages = async (manner: SaveManner) => {
    const last = folder.beside(AVERAGES, LAST)
    await saveModel(clip, last, {}, manner)
    for (const name of others) await keepAs(last, folder.beside(AVERAGES, name))
  }
  const copies = copied && { into: copied.into.beside(AVERAGES) }
  const writing: Promise<void>[] = []
  // What is measured is what is kept: with averages the adapters, too, are theirs.
  await optimizer.withAverages(async () => {
    const manner = copied ? { ...copies, inspect: () => copied.after } : { still: true }
    if (settings.ema) writing.push(saveAverages(manner))
    if (sessionOf(clip, 'train').adapters)
      for (const name of [LAST, ...others]) writing.push(clip.save(folder.beside(ADAPTERS, name), { layout: 'lora' }))
    if (!copied) await Promise.all(writing)
  })
  const saved = Promise.all(writing).then(() => {})
  saved.catch(() => {}) // reported by whoever waits for it
  return { saved, again: async () => (settings.ema ? saveAverages({ ...copies, again: true }) : undefined) }
}

/** The same while no step is under way. @throws ClipwrightError ERR_IO, ERR_DISPOSED */
export async function saveBeside(run: PreparedRun, state: Names = run.state): Promise<void> {
  const { saved } = await beginSaveBeside(run, state)
  await saved
}
