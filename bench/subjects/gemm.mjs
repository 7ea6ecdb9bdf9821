export const gemm = {
  title: 'Products alone',
  about:
    'Each product of a training step by itself, with packed weights: what a step would reach if all else were free. PyTorch: `torch.mm` of the same shapes.',
  figures: [{ key: 'gflops', title: 'GFLOP/s', unit: 'GFLOP/s', higher: true }],
  parts: ({ model, precision, tokens, batchSize }) => [model, precision, `${tokens} tokens`, `${batchSize} pairs`],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: () => 800,
      args: ({ model, precision, tokens, batchSize }) => [
        ...['cli', 'bench', 'gemm', '--model', model, '--precision', precision],
        ...['--tokens', tokens, '--batch-size', batchSize, '--json'],
      ],
    },
    torch: {
      environment: 'python',
      needsMiB: () => 1200,
      args: ({ model, precision, tokens, batchSize }) => ['gemm_torch.py', model, precision, tokens, batchSize],
    },
  },
}
