/** More threads than processors are taken, and said once. */
import { expect, it } from 'vitest'
import { threadsFor } from '../../lib/clip/device.js'
import { processors } from '../../lib/native/processors.js'

it('takes more threads than there are processors, and says so once', async () => {
  const warnings: Error[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  const { visible, threads } = processors()
  expect(threadsFor(undefined)).toBe(threads)
  expect(threadsFor(visible)).toBe(visible)
  for (let i = 0; i < 2; i++) expect(threadsFor(visible + 7)).toBe(visible + 7)
  await new Promise(setImmediate)
  process.off('warning', listen)
  const [first, ...others] = warnings.filter((w) => (w as { code?: string }).code === 'CLIPWRIGHT_MANY_THREADS')
  expect(first!.message).toBe(
    `${visible + 7} threads were asked for, and this process has ${visible} processors: more threads than processors make nothing faster.`,
  )
  expect(others).toEqual([])
})
