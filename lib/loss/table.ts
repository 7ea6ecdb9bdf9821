/** The losses that `train` can be told by name: a row each, and what a teacher makes of them. */
import { Distillation } from './distillation.js'
import { InfoNCE } from './info-nce.js'
import type { TrainableLoss } from './loss.js'
import type { LOSSES } from './names.js'
import { SigLip } from './siglip.js'

type LossName = (typeof LOSSES)[number]
/** What of a run's options losses look at. */
type LossOptions = {
  reduction: 'mean' | 'sum'
  distill?: string | undefined
  distillKind?: 'logits' | 'features' | undefined
  distillWeight?: number | undefined
}

const MAKERS: Record<LossName, (o: LossOptions) => TrainableLoss> = {
  infonce: ({ reduction }) => new InfoNCE({ reduction }),
  siglip: () => new SigLip(),
}

export function makeLoss(o: LossOptions & { loss: LossName }): TrainableLoss {
  const { loss, reduction, distill, distillKind: by, distillWeight: weight } = o
  if (distill === undefined) return MAKERS[loss](o)
  return new Distillation({ reduction, ...(by !== undefined && { by }), ...(weight !== undefined && { weight }) })
}
