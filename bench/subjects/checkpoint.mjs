import { encoderMiB } from './models.mjs'

export const checkpoint = {
  title: 'Checkpoints',
  about:
    "A folder of safetensors in open_clip's layout, read into a model that can be used, and written. open_clip: `create_model(…, pretrained=path)` and `safetensors.torch.save_file`, modules imported before. Files lie in the page cache; clipwright also waits until what it wrote is on the disk.",
  figures: [
    { key: 'seconds', title: 'seconds', unit: 's', higher: false },
    { key: 'peakRssMiB', title: 'peak memory', unit: 'MiB', higher: false },
  ],
  parts: ({ model, way }) => [way, model],
  artefacts: ({ model }) => [`open_clip/${model}`],
  contenders: {
    clipwright: {
      environment: 'ours',
      needsMiB: encoderMiB,
      args: ({ model, way }, o) => ['checkpoint.mjs', way, o.artefact(`open_clip/${model}`)],
    },
    open_clip: {
      environment: 'python',
      needsMiB: (row) => 2 * encoderMiB(row),
      args: ({ model, way }, o) => ['checkpoint_open_clip.py', way, model, o.artefact(`open_clip/${model}`)],
    },
  },
}
