import { stepMiB } from './models.mjs'

export const step = {
  title: 'Training step',
  about:
    'uint8 pictures, captions of one length, forward, backward, AdamW; pairs per second of the best step. open_clip computes all 77 tokens of a caption whatever its length; its own figures in bf16 are those of autocast.',
  figures: [
    { key: 'pairsPerSecond', title: 'pairs/s', unit: 'pairs/s', higher: true },
    { key: 'peakRssMiB', title: 'peak memory', unit: 'MiB', higher: false },
  ],
  parts: ({ model, precision, tokens, batchSize, microBatch, checkpointing }) => [
    model,
    precision,
    `${tokens} tokens`,
    `${batchSize} pairs`,
    ...(microBatch ? [`${microBatch} at a time`] : []),
    ...(checkpointing ? ['checkpointing'] : []),
  ],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: stepMiB,
      args: (row, { quick }) => ['cli', 'bench', 'step', ...trainingFlags(row), '--steps', quick ? 3 : 5],
    },
    open_clip: {
      environment: 'python',
      needsMiB: (row) => 400 + 1.4 * stepMiB(row),
      args: ({ model, batchSize, tokens, precision, microBatch, checkpointing }, { quick }) =>
        microBatch
          ? undefined
          : [
              'step_open_clip.py',
              model,
              batchSize,
              tokens,
              precision,
              quick ? 2 : 3,
              ...(checkpointing ? ['--checkpointing'] : []),
            ],
    },
  },
}

/** As `clipwright bench step` and `profile` take them. */
export function trainingFlags({ model, batchSize, precision, tokens, microBatch, checkpointing }) {
  return [
    ...['--model', model, '--batch-size', batchSize, '--precision', precision, '--tokens', tokens, '--device', 'cpu'],
    ...(microBatch ? ['--micro-batch', microBatch] : []),
    ...(checkpointing ? ['--checkpointing'] : []),
    '--json',
  ]
}
