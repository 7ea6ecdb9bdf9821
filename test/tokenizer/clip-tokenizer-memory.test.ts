/** What CLIP's vocabulary costs a process that may never tokenize anything: models that only encode pictures open it, too. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { ClipTokenizer } from '../../lib/tokenizer/clip-tokenizer.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function held(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

it('is held in less than 2 MiB', async () => {
  const before = held()
  const tokenizer = await ClipTokenizer.load()
  // What was unzipped is given back at a later turn.
  await expect.poll(() => held() - before, { timeout: 5000 }).toBeLessThan(2)
  expect(tokenizer.encode('a photo of a cat')).toEqual([320, 1125, 539, 320, 2368])
})
