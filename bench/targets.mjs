// What the figures are to reach. Ratios within one run decide, since machines differ.

const B32 = 'step/ViT-B-32/bf16/20-tokens/64-pairs'
const image = (rest) => `infer/ViT-B-32/image/${rest}`
const BOTH = ['torch', 'onnxruntime']

/**
 * `peers`: how many times as good as the best of them, by the subject's first figure or `figure`; with `than`, whose figure that
 * case has. `of`: as a share of clipwright's own figure there. Otherwise the figure itself. `amx`: where the kernels are for AMX.
 */
export const TARGETS = [
  { name: B32, figure: 'gflops', of: 'gemm/ViT-B-32/bf16/20-tokens/64-pairs', atLeast: 0.91 },
  { name: B32, peers: ['open_clip'], atLeast: 2.2, amx: 4 },
  { name: 'step/ViT-B-32/bf16/77-tokens/64-pairs', peers: ['open_clip'], atLeast: 1.55, amx: 2.5 },
  { name: 'step/ViT-B-32/fp32/20-tokens/64-pairs', peers: ['open_clip'], atLeast: 1.87 },
  { name: 'step/ViT-B-16/bf16/20-tokens/16-pairs', peers: ['open_clip'], atLeast: 1.55 },
  { name: 'step/ViT-L-14/bf16/20-tokens/8-pairs', peers: ['open_clip'], atLeast: 1.45 },
  { name: B32, figure: 'peakRssMiB', peers: ['open_clip'], atMost: 0.68 },
  { name: 'step/ViT-B-32/fp32/20-tokens/64-pairs', figure: 'peakRssMiB', peers: ['open_clip'], atMost: 0.6 },
  { name: 'step/ViT-L-14/bf16/20-tokens/8-pairs', figure: 'peakRssMiB', peers: ['open_clip'], atMost: 0.9 },
  { name: `${B32}/checkpointing`, figure: 'peakRssMiB', peers: ['open_clip'], than: B32, atMost: 0.55 },
  {
    name: 'step/ViT-B-32/bf16/20-tokens/16-pairs',
    of: 'step/ViT-B-32/bf16/20-tokens/256-pairs',
    atLeast: 0.88,
  },
  {
    name: 'step/ViT-B-32/bf16/20-tokens/256-pairs/32-at-a-time',
    of: 'step/ViT-B-32/bf16/20-tokens/256-pairs',
    atLeast: 0.76,
  },
  { name: `${B32}/checkpointing`, of: B32, atLeast: 0.86 },

  { name: image('fp32/batch-1'), peers: ['onnxruntime'], atLeast: 1.1 },
  { name: image('bf16/batch-1'), peers: ['torch'], atLeast: 1.5 },
  { name: image('fp32/batch-32'), peers: BOTH, atLeast: 1.25 },
  { name: image('bf16/batch-32'), peers: BOTH, atLeast: 2.4 },
  { name: image('int8/batch-1'), peers: ['onnxruntime'], atLeast: 1.2 },
  { name: image('int8/batch-32'), peers: ['onnxruntime'], atLeast: 1.4 },
  { name: 'infer/ViT-B-32/text/bf16/20-tokens/batch-1', peers: ['torch'], atLeast: 2.2 },
  { name: 'infer/ViT-B-32/text/bf16/20-tokens/batch-32', peers: ['torch'], atLeast: 9.7 },
  { name: image('fp32/only-encodes/batch-1'), figure: 'rssMiB', atMost: 650 },
  { name: image('bf16/only-encodes/batch-1'), figure: 'rssMiB', atMost: 450 },
  { name: image('int8/batch-1'), figure: 'rssMiB', atMost: 300 },

  { name: 'loss/fp32/16384-pairs/512-wide', peers: ['open_clip'], atLeast: 2.3 },
  {
    name: 'loss/bf16/16384-pairs/512-wide',
    peers: ['open_clip'],
    than: 'loss/fp32/16384-pairs/512-wide',
    atLeast: 4,
  },
  { name: 'loss/fp32/16384-pairs/512-wide', figure: 'extraMiB', peers: ['open_clip'], atMost: 0.01 },
  { name: 'loss/bf16/131072-pairs/512-wide', figure: 'extraMiB', atMost: 1e9 / 2 ** 20 },

  { name: 'data/JPEG-500-x-375-to-224', peers: ['open_clip'], atLeast: 1.3 },
  { name: 'data/JPEG-500-x-375-to-224/from-the-decoded-cache', atLeast: 10_000 },
  { name: 'checkpoint/load/ViT-B-32', peers: ['open_clip'], atLeast: 2 },
  { name: 'start/clipwright---help', atMost: 100 },
]
