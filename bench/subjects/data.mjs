const seconds = ({ quick }) => (quick ? 3 : 8)

export const data = {
  title: 'Pictures to pixels',
  about:
    'JPEG files of 500 x 375 pixels read, decoded, resized (bicubic) and cropped to 224 x 224. open_clip: its own transform, which is Pillow and torchvision, in as many processes as there are processors.',
  figures: [{ key: 'picturesPerSecond', title: 'pictures/s', unit: 'pictures/s', higher: true }],
  parts: ({ size }) => [`JPEG 500 x 375 to ${size}`],
  artefacts: () => ['pictures'],
  contenders: {
    clipwright: {
      environment: 'ours',
      args: ({ size }, o) => [
        ...['cli', 'bench', 'data', '--images', o.artefact('pictures'), '--size', size],
        ...['--seconds', seconds(o), '--json'],
      ],
    },
    open_clip: {
      environment: 'python',
      needsMiB: () => 2000,
      args: ({ size }, o) => ['data_open_clip.py', o.artefact('pictures'), size, seconds(o)],
    },
  },
}
