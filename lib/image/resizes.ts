/** How a picture is fitted to the model's square; `preprocessImage` has the definitions. */
export type Resize = 'crop' | 'letterbox' | 'squash'

export const RESIZES = ['crop', 'letterbox', 'squash'] as const satisfies Resize[]
