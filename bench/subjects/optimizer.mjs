import { stepMiB } from './models.mjs'

const least = (row) => stepMiB({ ...row, batchSize: 2 })

export const optimizer = {
  title: 'Optimizer',
  about:
    "AdamW over all parameters, with the gradients' norm. PyTorch: `torch.optim.AdamW(fused=True)` after `clip_grad_norm_`.",
  figures: [{ key: 'ms', title: 'ms', unit: 'ms', higher: false }],
  parts: ({ model, precision }) => [`AdamW of ${model}`, precision],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: least,
      args: ({ model, precision }, { quick }) => ['optimizer.mjs', model, precision, quick ? 5 : 10],
    },
    torch: {
      environment: 'python',
      needsMiB: (row) => 600 + least(row),
      args: ({ model }, { quick }) => ['optimizer_torch.py', model, quick ? 5 : 10],
    },
  },
}
