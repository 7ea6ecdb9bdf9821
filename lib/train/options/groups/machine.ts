/** What a run uses of the machine. */
import { RUN_OPTIONS } from '../../../clip/run-options.js'

export const MACHINE = {
  /** 'auto' by default. */
  device: { ...RUN_OPTIONS.device, resume: 'inexact' as const },
  /** Of activations and products; 'fp32' by default. */
  precision: { ...RUN_OPTIONS.precision, resume: 'inexact' as const },
  /** Of the model's own team; as many as the process may keep busy by default. */
  threads: { ...RUN_OPTIONS.threads, resume: 'inexact' as const },
}
