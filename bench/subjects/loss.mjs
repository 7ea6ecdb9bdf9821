const featuresMiB = ({ batchSize, dim }) => (4 * batchSize * dim * 4) / 2 ** 20
const TYPES = { fp32: 'f32', bf16: 'bf16' }

export const loss = {
  title: 'Contrastive loss',
  about:
    "InfoNCE forward and backward over random features of both sides, and the memory that it takes beside the features and their gradients. open_clip's `ClipLoss` keeps whole matrices of all pairs; the features are normalised by both.",
  figures: [
    { key: 'seconds', title: 'seconds', unit: 's', higher: false },
    { key: 'extraMiB', title: 'extra memory', unit: 'MiB', higher: false },
  ],
  parts: ({ precision, batchSize, dim }) => [precision, `${batchSize} pairs`, `${dim} wide`],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: (row) => 400 + featuresMiB(row) * 2,
      args: ({ batchSize, dim, precision }, { quick }) => [
        ...['cli', 'bench', 'loss', '--batch-size', batchSize, '--dim', dim, '--precision', precision],
        ...['--steps', quick || batchSize > 100_000 ? 1 : 3, '--device', 'cpu', '--json'],
      ],
    },
    open_clip: {
      environment: 'python',
      // Logits of both directions, their softmaxes and gradients.
      needsMiB: (row) => 600 + featuresMiB(row) + (6 * row.batchSize ** 2 * 4) / 2 ** 20,
      args: ({ batchSize, dim, precision, alone }, { quick }) =>
        alone ? undefined : ['ops_torch.py', 'cpu', 'loss', batchSize, dim, TYPES[precision], quick ? 1 : 3],
    },
  },
}
