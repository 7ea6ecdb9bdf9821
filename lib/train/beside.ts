/** What is saved beside a checkpoint: averaged weights as a model of their own, and adapters alone. */
import { saveModel } from '../clip/save.js'
import type { SaveManner } from '../clip/save-manner.js'
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
    await saveModel(clip, last, {}, { ...manner, written: { uncached: true } })
    for (const name of others) await keepAs(last, folder.beside(AVERAGES, name))
  }
  const saveAdapters = async (manner: SaveManner) => {
    const save = (name: string) => saveModel(clip, folder.beside(ADAPTERS, name), { layout: 'lora' }, manner)
    await Promise.all([LAST, ...others].map(save))
  }
  const parts = [
    ...(settings.ema === undefined ? [] : [{ into: copied?.into.beside(AVERAGES), save: saveAverages }]),
    ...(sessionOf(clip, 'train').adapters ? [{ into: copied?.into.beside(ADAPTERS), save: saveAdapters }] : []),
  ]
  const writing: Promise<void>[] = []
  // What is measured is what is kept: with averages the adapters, too, are theirs.
  await optimizer.withAverages(async () => {
    for (const { into, save } of parts) {
      const written = save(copied ? { into, inspect: () => copied.after } : { still: true })
      written.catch(() => {}) // reported by `saved`, which is not there before the averages are back in their place
      writing.push(written)
    }
    if (!copied) await Promise.all(writing)
  })
  const saved = Promise.all(writing).then(() => {})
  saved.catch(() => {}) // reported by whoever waits for it
  const again = async () => {
    await Promise.all(parts.map(({ into, save }) => save({ into, again: true })))
  }
  return { saved, again }
}

/** The same while no step is under way. @throws ClipwrightError ERR_IO, ERR_DISPOSED */
export async function saveBeside(run: PreparedRun, state: Names = run.state): Promise<void> {
  const { saved } = await beginSaveBeside(run, state)
  await saved
}
