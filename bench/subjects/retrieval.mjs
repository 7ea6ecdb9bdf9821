export const retrieval = {
  title: 'Ranks',
  about: '`evaluateRetrieval` over features of pictures and five captions each: the matrix never exists.',
  figures: [
    { key: 'seconds', title: 'seconds', unit: 's', higher: false },
    { key: 'extraMiB', title: 'extra memory', unit: 'MiB', higher: false },
    { key: 'eventLoopP99Ms', title: 'event loop, p99', unit: 'ms', higher: false },
  ],
  parts: ({ images, captions, dim }) => [`${images} pictures`, `${captions} captions`, `${dim} wide`],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: ({ images, captions, dim }) => 400 + (3 * (images + captions) * dim * 4) / 2 ** 20,
      args: ({ images, captions, dim }) => ['retrieval.mjs', images, captions, dim],
    },
  },
}
