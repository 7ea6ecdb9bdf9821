import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createProgress, duration } from '../../lib/cli/progress.js'
import type { TrainEvent } from '../../lib/train/events.js'
import { parseTrainOptions } from '../../lib/train/options/parse.js'

const start: TrainEvent = {
  type: 'start',
  config: { embed_dim: 8, vision_cfg: {}, text_cfg: {} },
  parameters: 1000,
  device: 'cpu',
  pairs: 50,
  steps: 3,
  step: 0,
  rates: { lr: 5e-5, minLr: 5e-7 },
  options: { data: '/a/train.json', betas: [0.9, 0.98], fitLr: false },
}
function step(at: number): TrainEvent {
  const rest = {
    epoch: 0,
    lr: 5e-4,
    gradNorm: 1,
    logitScale: 14,
    pairsPerSecond: 123.4,
    dataWaitMs: 0,
    dataWaitShare: 0.125,
  }
  return { type: 'step', step: at, loss: 4 - at, ...rest }
}

function terminal(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    rows: 40,
    cursorTo() {},
    clearLine() {},
    moveCursor() {},
  })
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => String(stream.read() ?? '') }
}

test('without a terminal: plain lines, not one a step', async () => {
  const { stream, text } = terminal(false)
  const progress = await createProgress(stream)
  for (const event of [
    start,
    step(1),
    step(2),
    step(3),
    { type: 'warning', code: 'caption_cut', message: 'cut' } as const,
  ]) {
    progress.show(event)
  }
  progress.close()
  const lines = text().trimEnd().split('\n')
  const table = lines.splice(0, 7)
  expect(table).toEqual([
    'option      value',
    'data        /a/train.json',
    'device      cpu',
    'weights     random',
    'pictures    50',
    'parameters  1000',
    'steps       3',
  ])
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(
    /^epoch 1\/1 {2}step 1\/3 {2}loss 3\.000, mean 3\.000 {2}lr 5\.0e-4 {2}data wait 13 % {2}123 pairs\/s {2}\d+:\d\d left$/,
  )
  expect(lines[1]).toContain('step 3/3  loss 1.000, mean 2.000')
  expect(lines[2]).toBe('warning: cut')
})

async function rowsOf(options: object, more: object = {}, verbose = false): Promise<string[]> {
  const { stream, text } = terminal(false)
  const progress = await createProgress(stream, verbose)
  progress.show({ ...start, ...more, options } as TrainEvent)
  return text()
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ {2,}/, ': '))
}

/** What a run that was told its data and model alone has in its start event. */
const untold = parseTrainOptions({ data: '/a/train.json', model: 'ViT-B-32' })
const always = ['device: cpu', 'weights: random', 'pictures: 50', 'parameters: 1000', 'steps: 3']

test('the table has the rates that are used where they were fitted to the batch', async () => {
  const lines = await rowsOf({ lr: 1e-4, minLr: 1e-6, fitLr: true })
  for (const line of ['lr: 0.0001', 'fitted lr: 0.00005', 'fitted min-lr: 5e-7']) expect(lines).toContain(line)
})

test('the table has what differs from the defaults, by flags’ names', async () => {
  expect(await rowsOf({ ...untold, out: '/runs/x', warmup: 0 })).toEqual([
    'option: value',
    ...['data: /a/train.json', 'model: ViT-B-32', 'out: /runs/x'],
    ...always,
  ])
  const told = { batchSize: 8, betas: [0.8, 0.9], absolutePaths: true, strict: false, weightDecay: 0.2, warmup: 1 }
  const others = { augment: { flip: 0 }, device: 'auto', minLr: 1e-5, freeze: ['visual.*', 'ln_final.*'] }
  const rows = await rowsOf({ ...untold, ...told, ...others })
  expect(rows.toSorted()).toEqual(
    [
      'option: value',
      ...[
        'data: /a/train.json',
        'model: ViT-B-32',
        'batch-size: 8',
        'betas: 0.8,0.9',
        'absolute-paths: on',
        'strict: off',
      ],
      ...['warmup: 1', 'augment: crop 0.9-1, flip 0', 'min-lr: 0.00001', 'freeze: visual.*,ln_final.*'],
      ...always,
    ].toSorted(),
  )
})

test('with --verbose the table has all options, with what they come to', async () => {
  const rows = await rowsOf(untold, {}, true)
  for (const [name, value] of Object.entries(untold)) {
    if (value === undefined || name === 'device') continue
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    expect(
      rows.some((row) => row.startsWith(`${flag}: `)),
      name,
    ).toBe(true)
  }
  for (const row of ['augment: crop 0.9-1', 'betas: 0.9,0.98', 'strict: on', 'fit-lr: off', 'device: cpu'])
    expect(rows).toContain(row)
  expect(rows.filter((row) => row.startsWith('device'))).toEqual(['device: cpu'])
})

test.each([
  [{}, {}, 'random'],
  [{ load: '/w.pt' }, {}, 'from /w.pt'],
  [{ load: '/w.pt', epochs: 3, startEpoch: 1 }, { step: 1 }, 'from /w.pt'],
  [{ load: '/w.pt', epochs: 3, startEpoch: 1, out: '/runs/x' }, { step: 2 }, 'from /runs/x/checkpoints/last'],
  [{ out: '/runs/x' }, { step: 1 }, 'from /runs/x/checkpoints/last'],
])('the table says where the weights of %j come from, %j', async (options, more, expected) => {
  expect(await rowsOf(options, more)).toContain(`weights: ${expected}`)
})

const rendered = () => new Promise((resolve) => setTimeout(resolve, 150))

test('on a terminal: a bar for each epoch with loss, its mean, lr, rate and time left', async () => {
  const { stream, text } = terminal(true)
  const progress = await createProgress(stream)
  // Goes on after the first of three steps of the first of two epochs.
  progress.show({ ...start, steps: 6, step: 1, options: { epochs: 2 } })
  progress.show(step(2))
  await rendered()
  progress.show(step(3))
  progress.show({ type: 'epoch', epoch: 0, loss: 1.5 })
  const first = text()
  // What would have to be taken back, where the process may end at any time.
  for (const mode of ['\x1b[?25l', '\x1b[?7l']) expect(first).not.toContain(mode)
  expect(first).toContain('2/3')
  expect(first).toMatch(
    /epoch 1\/2 █{24} 3\/3 {2}loss 1\.000, mean 1\.500 {2}lr 5\.0e-4 {2}data wait 13 % {2}123 pairs\/s {2}\d+:\d\d left/,
  )
  expect(first).toContain('epoch 1: loss 1.500\n')
  progress.show({ ...step(4), epoch: 1, pairsPerSecond: 12.34 } as TrainEvent)
  progress.close()
  expect(text()).toMatch(/epoch 2\/2 █{8}░{16} 1\/3 {2}loss 0\.000, mean 0\.000 .* 12\.3 pairs\/s/)
})

test('durations', () => {
  expect([0.4, 61, 3599.7, 3661, Number.NaN].map(duration)).toEqual(['0:00', '1:01', '1:00:00', '1:01:01', '–'])
})
