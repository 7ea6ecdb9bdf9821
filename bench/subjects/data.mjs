const seconds = ({ quick }) => (quick ? 3 : 8)

export const data = {
  title: 'Pictures to pixels',
  about:
    'JPEG files of 500 x 375 pixels read, decoded, resized (bicubic) and cropped to 224 x 224. open_clip: its own transform, which is Pillow and torchvision, in as many processes as there are processors. From the decoded cache: pictures of that size that an earlier pass has kept (`--decoded-cache`), each checked, into batches of 64; open_clip has none.',
  figures: [{ key: 'picturesPerSecond', title: 'pictures/s', unit: 'pictures/s', higher: true }],
  parts: ({ size, cached }) => [`JPEG 500 x 375 to ${size}`, ...(cached ? ['from the decoded cache'] : [])],
  artefacts: () => ['pictures'],
  contenders: {
    clipwright: {
      environment: 'ours',
      args: ({ size, cached }, o) => [
        ...['cli', 'bench', 'data', '--images', o.artefact('pictures'), '--size', size],
        ...(cached ? ['--decoded-cache', `${o.artefact('pictures')}-decoded`, '--concurrency', 8] : []),
        ...['--seconds', seconds(o), '--json'],
      ],
    },
    open_clip: {
      environment: 'python',
      needsMiB: () => 2000,
      args: ({ size, cached }, o) =>
        cached ? undefined : ['data_open_clip.py', o.artefact('pictures'), size, seconds(o)],
    },
  },
}
