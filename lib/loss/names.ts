/** What the losses are called in options, and how the two cross-entropies of one may be joined. */
export const LOSSES = ['infonce'] as const
export const REDUCTIONS = ['mean', 'sum'] as const
