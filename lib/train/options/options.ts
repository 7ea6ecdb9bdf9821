/** What a training run can be told. */
import type { Filled, ValueOf } from '../../base/option.js'
import type { TRAIN_OPTIONS } from './table.js'

type Table = typeof TRAIN_OPTIONS

/** What `train` can be told. The command line's flags have the same names in kebab-case. */
export type TrainOptions = { [K in keyof Table]?: ValueOf<Table[K]> }

/** Options with their defaults. */
export type Settings = Filled<Table> & { minLr: number }
