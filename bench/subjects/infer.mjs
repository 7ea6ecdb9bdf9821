import { encoderMiB } from './models.mjs'

/** Only in f32, which is what the graphs have. */
const inF32 = (args) => (row, o) => (row.precision === 'fp32' ? args(row, o) : undefined)
const seconds = ({ quick }) => (quick ? 2 : 5)
const graphArgs = (program) =>
  inF32(({ model, tower, batchSize, tokens = 20 }, o) => [
    program,
    o.artefact(`onnx/${model}`),
    tower,
    batchSize,
    tokens,
    seconds(o),
  ])

export const infer = {
  title: 'Inference',
  about:
    'Features of one picture or caption, and of 32, by the fastest call of a few seconds. PyTorch computes a caption with its 77 tokens, as open_clip pads it; ONNX Runtime is given the graph that `clip.save(…, { layout: "onnx" })` writes, with as many tokens as clipwright.',
  figures: [
    { key: 'perSecond', title: 'per second', unit: '/s', higher: true },
    { key: 'rssMiB', title: 'resident memory', unit: 'MiB', higher: false },
  ],
  parts: ({ model, tower, precision, batchSize, tokens }) => [
    model,
    tower,
    precision,
    ...(tokens ? [`${tokens} tokens`] : []),
    `batch ${batchSize}`,
  ],
  artefacts: ({ model, precision }) => (precision === 'fp32' ? [`onnx/${model}`] : []),
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: encoderMiB,
      args: ({ model, tower, batchSize, precision, tokens = 20 }, o) => [
        ...['cli', 'bench', 'infer', '--model', model, '--tower', tower, '--batch-size', batchSize],
        ...['--precision', precision, '--tokens', tokens, '--seconds', seconds(o), '--device', 'cpu', '--json'],
      ],
    },
    torch: {
      environment: 'python',
      needsMiB: (row) => 600 + encoderMiB(row),
      args: ({ model, tower, batchSize, precision, tokens = 20 }, o) => [
        'infer_open_clip.py',
        ...[model, tower, batchSize, precision, tokens, seconds(o)],
      ],
    },
    onnxruntime: { environment: 'onnxruntime', needsMiB: encoderMiB, args: graphArgs('infer_onnxruntime.py') },
    'onnxruntime-node': { environment: 'node', needsMiB: encoderMiB, args: graphArgs('infer-onnxruntime.mjs') },
  },
}
