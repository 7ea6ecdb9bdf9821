import { expect, test } from 'vitest'
import { savitzkyGolay } from '../../lib/report/savitzky-golay.js'

// What scipy 1.17's savgol_filter(values, window, 3) makes of the same values.
const CASES = [
  {
    window: 5,
    values: [5, 3, 4, 2, 2.5, 1, 1.5, 0.5],
    expected: [
      4.835714285714286, 3.6571428571428544, 3.0142857142857156, 2.8571428571428585, 1.7714285714285722,
      1.6428571428571437, 1.0714285714285707, 0.6071428571428614,
    ],
  },
  {
    window: 15,
    values: Array.from({ length: 26 }, (_, i) => ((i * 7919) % 31) / 10),
    expected: [
      0.7952614379084971, 1.1749533146591986, 1.4375852905264694, 1.6010809451985946, 1.6833638583638606,
      1.7023576097105528, 1.6759857789269565, 1.6221719457013686, 1.4455203619909602, 1.5157466063348521,
      1.600000000000011, 1.6842533936651698, 1.7544796380090617, 1.7966515837104193, 1.796742081447976,
      1.521900452488698, 1.5780995475113233, 1.3032579185520452, 1.303348416289602, 1.376780866192631,
      1.4687491919844862, 1.5617194570135735, 1.6381577246283112, 1.6805300581771148, 1.6713025210084007,
      1.5929411764705856,
    ],
  },
]

test.each(CASES)('equals scipy with a window of $window', ({ values, window, expected }) => {
  const smooth = savitzkyGolay(values, window, 3)
  expect(smooth).toHaveLength(expected.length)
  for (const [i, x] of smooth.entries()) expect(x).toBeCloseTo(expected[i]!, 11)
})

test('leaves a cubic as it is', () => {
  const cubic = Array.from({ length: 9 }, (_, x) => 1 + x - 0.3 * x ** 2 + 0.02 * x ** 3)
  for (const [i, x] of savitzkyGolay(cubic, 5, 3).entries()) expect(x).toBeCloseTo(cubic[i]!, 10)
})
