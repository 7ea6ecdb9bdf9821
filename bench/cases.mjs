// What the suite measures: a row is a case, its sizes are all that differs. `quick` rows are those of `npm run bench -- --quick`.
// How a subject is run, by clipwright and by the peers, is its file's in subjects/.

const quick = true
const inferRow = (tower, more) => ({ subject: 'infer', model: 'ViT-B-32', tower, ...more })

export const CASES = [
  // Training steps: pairs, precision, tokens of a caption.
  { subject: 'step', model: 'ViT-B-32', batchSize: 64, precision: 'bf16', tokens: 20 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 64, precision: 'bf16', tokens: 77 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 64, precision: 'fp32', tokens: 20 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 64, precision: 'fp32', tokens: 77 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 16, precision: 'bf16', tokens: 20, quick },
  { subject: 'step', model: 'ViT-B-32', batchSize: 16, precision: 'fp32', tokens: 20, quick },
  { subject: 'step', model: 'ViT-B-32', batchSize: 256, precision: 'bf16', tokens: 20 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 256, precision: 'bf16', tokens: 20, microBatch: 32 },
  { subject: 'step', model: 'ViT-B-32', batchSize: 64, precision: 'bf16', tokens: 20, checkpointing: true },
  { subject: 'step', model: 'ViT-B-16', batchSize: 16, precision: 'bf16', tokens: 20 },
  { subject: 'step', model: 'ViT-L-14', batchSize: 8, precision: 'bf16', tokens: 20 },

  // Where the time of one goes.
  { subject: 'profile', model: 'ViT-B-32', batchSize: 64, precision: 'bf16', tokens: 20 },
  { subject: 'profile', model: 'ViT-B-32', batchSize: 16, precision: 'bf16', tokens: 20, quick },

  // Both towers, one and 32.
  inferRow('image', { batchSize: 1, precision: 'fp32', quick }),
  inferRow('image', { batchSize: 1, precision: 'bf16', quick }),
  inferRow('image', { batchSize: 32, precision: 'fp32', quick }),
  inferRow('image', { batchSize: 32, precision: 'bf16', quick }),
  // Of models that only encode.
  inferRow('image', { batchSize: 1, precision: 'int8', quick }),
  inferRow('image', { batchSize: 32, precision: 'int8', quick }),
  inferRow('image', { batchSize: 1, precision: 'fp32', encodeOnly: true }),
  inferRow('image', { batchSize: 1, precision: 'bf16', encodeOnly: true }),
  inferRow('image', { batchSize: 32, precision: 'fp32', encodeOnly: true }),
  inferRow('image', { batchSize: 32, precision: 'bf16', encodeOnly: true }),
  inferRow('text', { batchSize: 1, precision: 'fp32', tokens: 20 }),
  inferRow('text', { batchSize: 1, precision: 'bf16', tokens: 20 }),
  inferRow('text', { batchSize: 32, precision: 'fp32', tokens: 20 }),
  inferRow('text', { batchSize: 32, precision: 'bf16', tokens: 20, quick }),

  // The loss by itself: pairs, width of the features.
  { subject: 'loss', batchSize: 4096, dim: 512, precision: 'fp32', quick },
  { subject: 'loss', batchSize: 16384, dim: 512, precision: 'fp32' },
  { subject: 'loss', batchSize: 16384, dim: 512, precision: 'bf16' },
  { subject: 'loss', batchSize: 131072, dim: 512, precision: 'bf16', alone: true },

  { subject: 'data', size: 224, quick },
  { subject: 'data', size: 224, cached: true, quick },

  { subject: 'tokenizer', tokenizer: 'clip', quick },
  { subject: 'tokenizer', tokenizer: 'bert', quick },

  { subject: 'optimizer', model: 'ViT-B-32', precision: 'bf16', quick },

  { subject: 'checkpoint', model: 'ViT-B-32', way: 'load', quick },
  { subject: 'checkpoint', model: 'ViT-B-32', way: 'save', quick },

  // Products alone, those of a step.
  { subject: 'gemm', model: 'ViT-B-32', batchSize: 64, precision: 'bf16', tokens: 20 },
  { subject: 'gemm', model: 'ViT-B-32', batchSize: 64, precision: 'fp32', tokens: 20 },
  { subject: 'gemm', model: 'ViT-B-32', batchSize: 16, precision: 'bf16', tokens: 20, quick },

  // Ranks of right answers among all: pictures, captions.
  { subject: 'retrieval', images: 10_000, captions: 50_000, dim: 512 },

  { subject: 'start', quick },
]
