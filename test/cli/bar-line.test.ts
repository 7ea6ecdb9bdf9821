import { describe, expect, it } from 'vitest'
import { type BarState, barLine } from '../../lib/cli/bar-line.js'

const state: BarState = {
  epoch: '3/10',
  value: 120,
  total: 480,
  loss: '2.345',
  mean: '2.456',
  lr: '4.9e-4',
  rate: '37.5',
  wait: '3',
  left: '1:02:03',
}

describe('the progress bar', () => {
  it('is whole where there is room, a quarter full after a quarter', () => {
    const line = barLine(130, state)
    expect(line).toBe(
      'epoch 3/10 ██████░░░░░░░░░░░░░░░░░░ 120/480  loss 2.345, mean 2.456  lr 4.9e-4  data wait 3 %  37.5 pairs/s  1:02:03 left',
    )
  })

  it.each(Array.from({ length: 81 }, (_, i) => 40 + i))(
    'shows rate and time left in %i columns, and no more than fit',
    (columns) => {
      const line = barLine(columns, state)
      expect(line).toContain('37.5 pairs/s')
      expect(line).toContain('1:02:03 left')
      expect(line).toContain('120/480')
      expect(line.length).toBeLessThan(columns)
    },
  )

  it('shrinks before anything is left out, and leaves out the wait for data and the rate of learning first', () => {
    expect(barLine(110, state)).toMatch(/lr 4\.9e-4 {2}data wait 3 %/)
    expect(barLine(94, state)).toMatch(/mean 2\.456 {2}lr 4\.9e-4/)
    expect(barLine(94, state).replace(/[^█░]/g, '').length).toBeLessThan(24)
    expect(barLine(80, state)).toMatch(/loss 2\.345, mean 2\.456 {2}37\.5/)
    expect(barLine(40, state)).not.toMatch(/[█░]/)
  })
})
