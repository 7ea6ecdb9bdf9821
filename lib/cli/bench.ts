/** `clipwright bench`: how fast this machine is. */
import { performance } from 'node:perf_hooks'
import { type Command, Option } from 'commander'
import type { Device } from '../native/device-name.js'
import type { Precision } from '../native/names.js'
import { deviceName, JSON_OPTION, positiveNumber } from './arguments.js'
import { EXIT_USAGE, printResult } from './output.js'

type Flags = {
  model: string
  device: Device
  batchSize: number
  precision: Precision
  tokens: number
  steps: number
  microBatch?: number
  checkpointing?: boolean
  fullContext?: boolean
  threads?: number
  json?: boolean
}

export function addBench(program: Command): void {
  const bench = program.command('bench').description('Measures this machine.')
  bench
    .command('step')
    .description(
      'A whole training step: uint8 images, captions of one length, forward, backward, AdamW; best of several.',
    )
    .option('--model <name>', 'a built-in model', 'ViT-B-32')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', deviceName, 'cpu')
    .option('--batch-size <n>', 'pairs', positiveNumber, 64)
    .addOption(
      new Option('--precision <type>', 'type of activations and products')
        .choices(['fp32', 'bf16', 'fp16'])
        .default('bf16'),
    )
    .option('--tokens <n>', 'tokens of each caption, its first and last included', positiveNumber, 20)
    .option('--steps <n>', 'measured steps, after one to warm up', positiveNumber, 5)
    .option('--micro-batch <n>', 'pairs at a time through the towers', positiveNumber)
    .option('--checkpointing', 'recompute blocks in the backward pass')
    .option('--full-context', "compute the padding's rows, too; not of a BERT")
    .option('--threads <n>', 'threads of the model', positiveNumber)
    .option(...JSON_OPTION)
    .action(benchStep)
}

async function benchStep(flags: Flags, command: Command): Promise<void> {
  const [{ Clip }, { AdamW }, { InfoNCE }, { trainStep }, { trainFlopsPerPair }, { sessionOf }, { productRate }] =
    await Promise.all([
      import('../clip/clip.js'),
      import('../optim/rules.js'),
      import('../loss/info-nce.js'),
      import('../optim/train-step.js'),
      import('../models/flops.js'),
      import('../clip/session.js'),
      import('../bench/product-rate.js'),
    ])
  const clip = await Clip.create(flags.model, {
    device: flags.device,
    precision: flags.precision,
    ...(flags.threads && { threads: flags.threads }),
  })
  try {
    const { model } = sessionOf(clip, 'bench step')
    const { contextLength, bert } = model.text
    const refuse = (message: string) => command.error(`error: ${message}`, { exitCode: EXIT_USAGE })
    if (flags.tokens > contextLength)
      refuse(`--tokens: ${flags.model} takes ${contextLength} at most, got ${flags.tokens}`)
    if (flags.fullContext && bert)
      refuse(`--full-context: the text tower of ${flags.model} is a BERT, which masks padding`)
    const optimizer = new AdamW(clip, { lr: 1e-4 })
    const batch = syntheticBatch(flags, model.vision.imageSize, model.text)
    const options = {
      ...(flags.microBatch && { microBatch: flags.microBatch }),
      checkpointing: flags.checkpointing ?? false,
      fullContext: flags.fullContext ?? false,
    }
    const times: number[] = []
    for (let step = 0; step <= flags.steps; step++) {
      const begin = performance.now()
      await trainStep(clip, optimizer, batch, new InfoNCE(), options)
      if (step > 0) times.push(performance.now() - begin)
    }
    const stepMs = Math.min(...times)
    const flops =
      trainFlopsPerPair(model, flags.fullContext ? model.text.contextLength : flags.tokens) * flags.batchSize
    const gflops = flops / stepMs / 1e6
    const rate = clip.device === 'cpu' ? await productRate(flags.precision) : undefined
    printResult(
      flags.json,
      {
        device: clip.device,
        pairsPerSecond: (1000 * flags.batchSize) / stepMs,
        stepMs,
        peakRssMiB: process.resourceUsage().maxRSS / 1024,
        gflops,
        ...(rate && { onednnGflops: rate, shareOfOnednn: gflops / rate }),
        medianStepMs: times.sort((a, b) => a - b)[times.length >> 1]!,
      },
      (r) =>
        `${r.pairsPerSecond.toFixed(2)} pairs/s on ${r.device}, ${r.stepMs.toFixed(0)} ms a step (best of ${flags.steps}), ` +
        `${r.gflops.toFixed(0)} GFLOP/s, ` +
        (r.onednnGflops
          ? `${(100 * r.shareOfOnednn!).toFixed(0)} % of oneDNN's ${r.onednnGflops.toFixed(0)} alone, `
          : '') +
        `peak ${r.peakRssMiB.toFixed(0)} MiB`,
    )
  } finally {
    await clip.dispose()
  }
}

/** Noise for pictures, and captions whose largest id stands last, as EOT does. */
function syntheticBatch(flags: Flags, size: number, text: { vocabSize: number; contextLength: number }) {
  const n = flags.batchSize
  let state = 1
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
  const pixels = Uint8Array.from({ length: n * size * size * 3 }, () => draw() & 255)
  const length = text.contextLength
  const ids = new Int32Array(n * length)
  for (let s = 0; s < n; s++) {
    for (let i = 0; i < flags.tokens; i++) ids[s * length + i] = 1 + (draw() % (text.vocabSize - 3))
    ids[s * length] = text.vocabSize - 2
    ids[s * length + flags.tokens - 1] = text.vocabSize - 1
  }
  return {
    images: { shape: [n, size, size, 3] as [number, number, number, 3], data: pixels },
    tokens: { shape: [n, length] as [number, number], data: ids },
  }
}
