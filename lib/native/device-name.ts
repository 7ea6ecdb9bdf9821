/** Where a model runs: 'auto' is the best there is. ERR_NO_CUDA where CUDA is asked for and cannot be had. */
export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`

export const DEVICE = /^(auto|cpu|cuda(:\d+)?)$/
