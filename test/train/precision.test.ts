import { join } from 'node:path'
import { expect, test } from 'vitest'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { logOf, MODEL, stepsOf } from './runs.js'

const folder = temporaryFolder()

test('100 steps in bf16 have the loss of 100 steps in fp32', async () => {
  const data = await captionList(folder, 'train', 64)
  const lossOf = async (precision: 'fp32' | 'bf16') => {
    const out = join(folder, precision)
    await train({ data, out, model: MODEL, precision, batchSize: 16, epochs: 25, lr: 1e-3, saveEvery: 1000 }).result
    const losses = stepsOf(logOf(out)).map(({ loss }) => loss)
    expect(losses).toHaveLength(100)
    return losses.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10
  }
  const [exact, rounded] = [await lossOf('fp32'), await lossOf('bf16')]
  const difference = Math.abs(rounded / exact - 1)
  console.log(
    `loss of steps 91 to 100: fp32 ${exact.toFixed(5)}, bf16 ${rounded.toFixed(5)}, ${(100 * difference).toFixed(2)} % apart (limit 2)`,
  )
  expect(exact).toBeLessThan(0.8 * Math.log(16)) // it has learned something
  expect(rounded).not.toBe(exact)
  expect(difference).toBeLessThanOrEqual(0.02)
})
