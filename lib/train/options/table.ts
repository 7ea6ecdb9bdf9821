/** All options of training. Types, checks, flags, the rules of resumed runs, the table at the start and docs come from here. */
import { BATCH } from './groups/batch.js'
import { DATA } from './groups/data.js'
import { KEEPING } from './groups/keeping.js'
import { LOSS } from './groups/loss.js'
import { MACHINE } from './groups/machine.js'
import { MODEL } from './groups/model.js'
import { OPTIMIZER } from './groups/optimizer.js'
import { PICTURES } from './groups/pictures.js'
import { RUN } from './groups/run.js'
import { SCHEDULE } from './groups/schedule.js'
import type { Option } from './option.js'

/** In the order of --help and the docs, under the headings that those have. */
export const TRAIN_GROUPS = {
  Run: RUN,
  Data: DATA,
  Pictures: PICTURES,
  Model: MODEL,
  Batches: BATCH,
  'Learning rate': SCHEDULE,
  Optimizer: OPTIMIZER,
  Loss: LOSS,
  Machine: MACHINE,
  'Measuring and keeping': KEEPING,
}

export const TRAIN_OPTIONS = {
  ...RUN,
  ...DATA,
  ...PICTURES,
  ...MODEL,
  ...BATCH,
  ...SCHEDULE,
  ...OPTIMIZER,
  ...LOSS,
  ...MACHINE,
  ...KEEPING,
} satisfies {
  // biome-ignore lint/suspicious/noExplicitAny: values of all kinds.
  [name: string]: Option<any>
}
