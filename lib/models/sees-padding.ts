import type { NativeModel } from '../native/model.js'

/** Whether captions have the context's length to this tower, since their padding is seen or pooled. */
export function seesPadding({ causal }: Pick<NativeModel['text'], 'causal'>): boolean {
  return causal !== undefined && (!causal.mask || causal.pool === 'last')
}
