/** `checkData` by paths and a model's name: what users call. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { pathOrName } from '../checkpoint/path-or-name.js'
import { Clip } from '../clip/clip.js'
import { callback } from '../clip/encode-shape.js'
import { sessionOf } from '../clip/session.js'
import { HUB_SHAPE, hubOf } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import { preprocessOptions } from '../image/preprocess-config.js'
import { describeModel, isModelName } from '../models/registry.js'
import { defaultTokenizer, resolveModel } from '../models/resolve.js'
import { openTokenizer } from '../tokenizer/choice.js'
import { type CheckedData, type CheckOptions, checkData } from './check.js'
import { Faults } from './faults.js'
import { openSource } from './open.js'
import { openAll } from './open-all.js'

/** What is looked at, and for which model. */
export type DataCheckOptions = HubOptions & {
  /** As `train` takes it; several are one set. */
  data: string | readonly string[]
  /** Validation data, which should have nothing in common with the others. */
  val?: string
  /** Whose tokenizer, context and picture size count: a name that `train` takes, or a checkpoint; 'ViT-B-32' by default. */
  model?: string
  split?: string
  valSplit?: string
  imageKey?: string
  captionKey?: string
  /** Whether pictures may lie outside the list's folder; false by default. */
  absolutePaths?: boolean
  /** Pictures decoded side by side; 8 by default. */
  workers?: number
  /** Is told how many samples of how many were looked at. */
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

const schema = z.strictObject({
  ...HUB_SHAPE,
  data: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).readonly()]),
  val: z.string().optional(),
  model: z.string().default('ViT-B-32'),
  split: z.string().optional(),
  valSplit: z.string().optional(),
  imageKey: z.string().min(1).optional(),
  captionKey: z.string().min(1).optional(),
  absolutePaths: z.boolean().default(false),
  workers: z.int().min(1).default(8),
  onProgress: callback<NonNullable<DataCheckOptions['onProgress']>>(),
  signal: z.instanceof(AbortSignal).optional(),
})

/**
 * Reads any data once: counts, pictures that cannot be decoded or are there twice, captions that are empty, cut or
 * repeated, what training and validation data have in common, and how long reading takes.
 * @throws ClipwrightError what opening the data can be wrong with, and `Clip.load`; `signal.reason`
 * @example
 * const { unreadable, duplicates, leaks } = await checkDataset({ data: 'shards/{000..099}.tar', val: 'val.json' })
 */
export async function checkDataset(options: DataCheckOptions): Promise<CheckedData> {
  const { data, val, model, split, valSplit, workers, onProgress, signal, offline, cacheDir, token, ...keys } =
    parseOptions(schema, options, 'checkDataset')
  const faults = { train: new Faults(), val: new Faults() }
  const train = await openAll(data, { ...keys, split, use: 'train', faults: faults.train })
  const valOptions = { ...keys, split: valSplit, use: 'val', faults: faults.val } as const
  const other = val === undefined ? undefined : await openSource(val, valOptions)
  const own = await ofModel(model, hubOf({ offline, cacheDir, token }))
  return checkData(train, other, { ...own, faults, workers, onProgress, signal })
}

type OfModel = Pick<CheckOptions, 'tokenizer' | 'contextLength' | 'preprocess'>

/** A name is one that `train` takes, whatever lies beside it; of anything else what lies at the path counts. */
function ofModel(given: string, hub: HubOptions): Promise<OfModel> {
  const named = () => ofName(given)
  return isModelName(given) ? named() : pathOrName(given, () => ofCheckpoint(given, hub), named)
}

/** Nothing is made of it. */
async function ofName(name: string): Promise<OfModel> {
  const { config, preprocess } = describeModel(name)
  const { contextLength } = resolveModel(config, preprocess, name).text
  return {
    tokenizer: await openTokenizer(defaultTokenizer(config)),
    contextLength,
    preprocess: preprocessOptions(preprocess),
  }
}

async function ofCheckpoint(path: string, hub: HubOptions): Promise<OfModel> {
  const clip = await Clip.load(path, { device: 'cpu', ...hub })
  try {
    const { contextLength } = sessionOf(clip, 'checkDataset').model.text
    return { tokenizer: clip.tokenizer, contextLength, preprocess: preprocessOptions(clip.preprocess) }
  } finally {
    await clip.dispose()
  }
}
