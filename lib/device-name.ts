/** What `device` may say. */
export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`

export const DEVICE = /^(auto|cpu|cuda(:\d+)?)$/
