export const start = {
  title: 'Start',
  about:
    'From the call of `clipwright --help` to its end, the best of several; and of `node -e 0`, which is part of it.',
  figures: [
    { key: 'ms', title: 'ms', unit: 'ms', higher: false },
    { key: 'nodeMs', title: 'of node alone', unit: 'ms', higher: false },
  ],
  parts: () => ['clipwright --help'],
  contenders: {
    clipwright: { environment: 'ours', args: (_, { quick }) => ['start.mjs', quick ? 5 : 20] },
  },
}
