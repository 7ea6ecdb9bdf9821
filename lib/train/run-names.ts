/** What a run's folder holds. */
import { EVENT_FILE } from '../report/tensorboard.js'

export const CONFIG = 'config.json'
/** What grows. */
export const GROWING = {
  log: 'log.jsonl',
  bad: 'bad-samples.jsonl',
  loss: 'epoch_loss.txt',
  val_loss: 'epoch_val_loss.txt',
  recall: 'epoch_recall.txt',
  tensorboard: EVENT_FILE,
} as const
export type Growing = keyof typeof GROWING
export const GROWING_FILES = Object.keys(GROWING) as Growing[]
export const CHECKPOINTS = 'checkpoints'
export const WEIGHTS = 'weights'
/** Moving averages of the weights (`ema`), and adapters alone (`loraRank`), each as `last` and `best`. */
export const AVERAGES = 'averages'
export const ADAPTERS = 'adapters'
const PLOTS = ['loss.png', 'recall.png', 'epoch_loss.png'] as const
export type Plot = (typeof PLOTS)[number]
/** All that a run writes; `overwrite` removes nothing else. */
export const ENTRIES = [
  CONFIG,
  ...Object.values(GROWING),
  ...PLOTS,
  'ledger.png',
  CHECKPOINTS,
  WEIGHTS,
  AVERAGES,
  ADAPTERS,
]
