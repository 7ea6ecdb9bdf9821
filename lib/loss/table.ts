/** The losses that `train` can be told by name: a row each. */
import { InfoNCE } from './info-nce.js'
import type { TrainableLoss } from './loss.js'
import type { LOSSES } from './names.js'
import { SigLip } from './siglip.js'

type LossName = (typeof LOSSES)[number]
/** What of a run's options losses look at. */
type LossOptions = { reduction: 'mean' | 'sum' }

const MAKERS: Record<LossName, (o: LossOptions) => TrainableLoss> = {
  infonce: ({ reduction }) => new InfoNCE({ reduction }),
  siglip: () => new SigLip(),
}

export function makeLoss({ loss, reduction }: LossOptions & { loss: LossName }): TrainableLoss {
  return MAKERS[loss]({ reduction })
}
