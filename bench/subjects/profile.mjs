import { stepMiB } from './models.mjs'
import { trainingFlags } from './step.mjs'

export const profile = {
  title: 'Where a step goes',
  about:
    'The time of each operation of a training step, `clipwright bench profile`. The ceilings are a large product and a large copy on the same machine in the same process.',
  figures: [{ key: 'stepMs', title: 'profiled step', unit: 'ms', higher: false }],
  parts: ({ model, precision, tokens, batchSize }) => [model, precision, `${tokens} tokens`, `${batchSize} pairs`],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: (row) => stepMiB(row) + 600,
      args: (row, { quick }) => ['cli', 'bench', 'profile', ...trainingFlags(row), '--steps', quick ? 2 : 3],
    },
  },
}
