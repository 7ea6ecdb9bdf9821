import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createProgress, duration } from '../../lib/report/progress.js'
import type { TrainEvent } from '../../lib/train/events.js'

const start: TrainEvent = {
  type: 'start',
  config: { embed_dim: 8, vision_cfg: {}, text_cfg: {} },
  parameters: 1000,
  pairs: 50,
  steps: 3,
  step: 0,
  rates: { lr: 5e-5, minLr: 5e-7 },
  options: { data: '/a/train.json', betas: [0.9, 0.98], fitLr: false },
}
function step(at: number): TrainEvent {
  const rest = { epoch: 0, lr: 5e-4, gradNorm: 1, logitScale: 14, pairsPerSecond: 123.4, dataWaitMs: 0 }
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
    'betas       [0.9,0.98]',
    'fitLr       false',
    'pictures    50',
    'parameters  1000',
    'steps       3',
  ])
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^step 1\/3 {2}loss 3\.000 {2}lr 5\.0e-4 {2}123\.4 pairs\/s {2}\d+:\d\d left$/)
  expect(lines[1]).toContain('step 3/3')
  expect(lines[2]).toBe('warning: cut')
})

test('the table has the rates that are used where they were fitted to the batch', async () => {
  const { stream, text } = terminal(false)
  const progress = await createProgress(stream)
  progress.show({ ...start, options: { lr: 1e-4, minLr: 1e-6, fitLr: true } })
  const lines = text().trimEnd().split('\n')
  expect(lines).toContain('lr            0.0001')
  expect(lines).toContain('fitted lr     0.00005')
  expect(lines).toContain('fitted minLr  5e-7')
})

test('on a terminal: a bar with loss, lr, rate and time left', async () => {
  const { stream, text } = terminal(true)
  const progress = await createProgress(stream)
  progress.show(start)
  progress.show(step(1))
  await new Promise((resolve) => setTimeout(resolve, 150))
  progress.show(step(2))
  progress.close()
  const shown = text()
  expect(shown).toContain('2/3')
  expect(shown).toContain('loss 2.000  lr 5.0e-4  123 pairs/s')
  expect(shown).toMatch(/\d+:\d\d left/)
})

test('durations', () => {
  expect([0.4, 61, 3599.7, 3661, Number.NaN].map(duration)).toEqual(['0:00', '1:01', '1:00:00', '1:01:01', '–'])
})
