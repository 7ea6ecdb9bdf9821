/** What is saved beside a checkpoint: averaged weights as a model of their own, and adapters alone. */
import { saveModel } from '../clip/save.js'
import { sessionOf } from '../clip/session.js'
import { BEST, LAST } from './checkpoints.js'
import type { PreparedRun } from './prepare.js'
import { ADAPTERS, AVERAGES } from './run-names.js'

/**
 * Writes what belongs to `checkpoints/last` as it is now, and to `best` where that is the same. No step may run meanwhile.
 * @throws ClipwrightError ERR_IO
 */
export async function saveBeside({ clip, optimizer, folder, settings, state }: PreparedRun): Promise<void> {
  if (!folder.writes) return
  const names = state.alsoAs.includes(BEST) ? [LAST, BEST] : [LAST]
  // What is measured is what is kept: with averages the adapters, too, are theirs.
  await optimizer.withAverages(async () => {
    for (const name of names) {
      if (settings.ema) await saveModel(clip, folder.beside(AVERAGES, name), {}, { still: true })
      if (sessionOf(clip, 'train').adapters) await clip.save(folder.beside(ADAPTERS, name), { layout: 'lora' })
    }
  })
}
