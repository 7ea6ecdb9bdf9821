/** What the losses are called in options. */
export const LOSSES = ['infonce', 'siglip'] as const
