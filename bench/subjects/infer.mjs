import { encoderMiB } from './models.mjs'

/** The graphs have f32, which `quantize_dynamic` rounds to 8 bits. */
const GRAPHS = ['fp32', 'int8']
const seconds = ({ quick }) => (quick ? 2 : 5)
const graphArgs =
  (program, precisions) =>
  ({ model, tower, precision, batchSize, tokens = 20 }, o) =>
    precisions.includes(precision)
      ? [program, o.artefact(`onnx/${model}`), tower, batchSize, tokens, seconds(o), precision]
      : undefined

export const infer = {
  title: 'Inference',
  about:
    'Features of one picture or caption, and of 32, by the fastest call of a few seconds. PyTorch computes a caption with its 77 tokens, as open_clip pads it; ONNX Runtime is given the graph that `clip.save(…, { layout: "onnx" })` writes, with as many tokens as clipwright; in int8 what its own `quantize_dynamic` makes of that. A model that only encodes (`trainable: false`, always so in int8) holds each weight once.',
  figures: [
    { key: 'perSecond', title: 'per second', unit: '/s', higher: true },
    { key: 'rssMiB', title: 'resident memory', unit: 'MiB', higher: false },
  ],
  parts: ({ model, tower, precision, batchSize, tokens, encodeOnly }) => [
    model,
    tower,
    precision,
    ...(encodeOnly ? ['only encodes'] : []),
    ...(tokens ? [`${tokens} tokens`] : []),
    `batch ${batchSize}`,
  ],
  artefacts: ({ model, precision }) => (GRAPHS.includes(precision) ? [`onnx/${model}`] : []),
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: encoderMiB,
      args: ({ model, tower, batchSize, precision, tokens = 20, encodeOnly }, o) => [
        ...['cli', 'bench', 'infer', '--model', model, '--tower', tower, '--batch-size', batchSize],
        ...(encodeOnly ? ['--encode-only'] : []),
        ...['--precision', precision, '--tokens', tokens, '--seconds', seconds(o), '--device', 'cpu', '--json'],
      ],
    },
    torch: {
      environment: 'python',
      needsMiB: (row) => 600 + encoderMiB(row),
      args: ({ model, tower, batchSize, precision, tokens = 20 }, o) =>
        precision === 'int8'
          ? undefined
          : ['infer_open_clip.py', model, tower, batchSize, precision, tokens, seconds(o)],
    },
    onnxruntime: { environment: 'onnxruntime', needsMiB: encoderMiB, args: graphArgs('infer_onnxruntime.py', GRAPHS) },
    'onnxruntime-node': {
      environment: 'node',
      needsMiB: encoderMiB,
      args: graphArgs('infer-onnxruntime.mjs', ['fp32']),
    },
  },
}
