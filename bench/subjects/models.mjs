// Sizes of models, for estimates of memory that must not load anything.

/** Millions of parameters; numbers that one pair's activations have with captions of 20 tokens, in millions. */
const SIZES = {
  'ViT-B-32': { parameters: 151, activations: 17 },
  'ViT-B-16': { parameters: 150, activations: 52 },
  'ViT-L-14': { parameters: 428, activations: 170 },
}

const MILLION = 1e6 / 2 ** 20

/** Of a training step: weights, gradients, two moments and a copy, and the activations of all pairs. */
export function stepMiB({ model, batchSize, precision, microBatch = batchSize, checkpointing }) {
  const { parameters, activations } = SIZES[model]
  const width = precision === 'fp32' ? 4 : 2
  const kept = checkpointing ? 0.52 : 1
  return 300 + MILLION * (parameters * (16 + 2 * width) + activations * microBatch * width * kept)
}

/** Of a process that only encodes. */
export const encoderMiB = ({ model }) => 400 + MILLION * SIZES[model].parameters * 6
