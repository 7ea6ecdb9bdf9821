/** The ledger of a run, also while it goes on, with what its samples are. */
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { openAll } from '../data/open-all.js'
import { checkPath } from '../files/check-path.js'
import { readComplete } from '../files/complete-folder.js'
import { nameOf } from '../image/source.js'
import { LAST } from './checkpoints.js'
import { Ledger } from './ledger.js'
import { type LedgerEntry, type LedgerSummary, summarize } from './ledger-summary.js'
import { placesOf } from './measured-list.js'
import type { Settings } from './options/options.js'
import { RunFolder } from './run-folder.js'

/** Which samples are told, and where their data are. */
export type LedgerOptions = {
  /** Samples in each list; 10 by default. */
  topK?: number
  /** Where the training data are now; where the run had them by default. */
  data?: string | readonly string[]
}

/** `image`, `caption`: what the sample is, its first caption, where the data can be read. */
export type NamedEntry = LedgerEntry & { image?: string; caption?: string }

/** What a run's samples cost, with what they are. */
export type RunLedger = Omit<LedgerSummary, 'hardest' | 'suspects' | 'neverSeen'> & {
  run: string
  hardest: NamedEntry[]
  suspects: NamedEntry[]
  neverSeen: { sample: number; image?: string; caption?: string }[]
  /** Why samples have no names, if they have none. */
  unnamed?: string
}

const schema = z.strictObject({
  topK: z.int().min(1).default(10),
  data: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
})

/**
 * Hardest pairs, likely mislabels and samples that were never seen, of a run that was started with `ledger`.
 * @throws ClipwrightError ERR_NOT_FOUND when there is no run, or no ledger in its last checkpoint; ERR_FORMAT, ERR_IO
 * @example
 * const { suspects } = await readLedger('runs/mine')
 */
export async function readLedger(run: string, options: LedgerOptions = {}): Promise<RunLedger> {
  const { topK, data } = parseOptions(schema, options, 'readLedger')
  checkPath(run, 'readLedger', "a run's folder")
  const folder = RunFolder.follow(run)
  const { options: stored } = await folder.readOptions()
  const ledger = await readComplete(folder.checkpoint(LAST), (complete) => Ledger.read(complete))
  if (!ledger) {
    const message = `${join(run, 'checkpoints', LAST)} has no ledger; train with ledger: true (--ledger), which a resumed run may begin with, too.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  const { hardest, suspects, neverSeen, ...rest } = summarize(ledger.recorded, topK)
  const { name, unnamed } = await namer(stored as Settings, data)
  const named = <E extends { sample: number }>(all: E[]) =>
    Promise.all(all.map(async (entry) => ({ ...entry, ...(await name(entry.sample)) })))
  return {
    run,
    ...rest,
    hardest: await named(hardest),
    suspects: await named(suspects),
    neverSeen: await named(neverSeen.map((sample) => ({ sample }))),
    ...(unnamed !== undefined && { unnamed }),
  }
}

type Names = { image?: string; caption?: string }

/** Data may have moved since: a ledger without names still says which numbers. */
async function namer(
  o: Settings,
  moved: LedgerOptions['data'],
): Promise<{ name(sample: number): Promise<Names>; unnamed?: string }> {
  try {
    const of = { ...placesOf(o), split: o.split, use: 'train' } as const
    const source = await openAll(moved ?? o.data!, of, { weights: o.dataWeights, resampled: o.resampled })
    return {
      name: async (sample) => {
        const { image, captions } = await source.sample(sample)
        return { image: nameOf(image), ...(captions[0] !== undefined && { caption: captions[0] }) }
      },
    }
  } catch (error) {
    if (!(error instanceof ClipwrightError)) throw error
    return { name: async () => ({}), unnamed: error.message }
  }
}
