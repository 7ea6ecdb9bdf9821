import { describe, expect, test, vi } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import { shortageOf, withPatience } from '../../lib/files/shortage.js'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }))

const system = (code: string) => Object.assign(new Error(`${code}: it failed, open`), { code, syscall: 'open' })

describe('a shortage of the machine', () => {
  test.each([
    [system('EMFILE'), 'files'],
    [system('ENFILE'), 'files'],
    [system('ENOMEM'), 'memory'],
    [new Error('out of memory --- size == 412MB'), 'memory'],
    [new Error('VipsJpeg: Insufficient memory (case 4)'), 'memory'],
    [new RangeError('Array buffer allocation failed'), 'memory'],
    [new Error('unable to create thread'), 'memory'],
    [new ClipwrightError('ERR_IMAGE', 'could not decode a.jpg', { cause: system('EMFILE') }), 'files'],
    [new Error('VipsJpeg: premature end of JPEG image'), undefined],
    [system('ENOENT'), undefined],
    [system('EIO'), undefined],
    ['no error', undefined],
  ])('is told from a fault of the picture: %s', (error, expected) => {
    expect(shortageOf(error)).toBe(expected)
  })

  test('that passes is waited for', async () => {
    const work = vi.fn(async () => 'read')
    work.mockRejectedValueOnce(system('EMFILE')).mockRejectedValueOnce(system('ENOMEM'))
    expect(await withPatience('reading a.jpg', work)).toBe('read')
    expect(work).toHaveBeenCalledTimes(3)
  })

  test.each([
    ['EMFILE', 'ERR_IO', /reading a\.jpg failed because too many files .*ulimit -n/],
    ['ENOMEM', 'ERR_OUT_OF_MEMORY', /reading a\.jpg failed because the machine has no memory/],
  ])('that lasts fails: %s', async (code, expected, message) => {
    const work = vi.fn().mockRejectedValue(system(code))
    const failed = { code: expected, message: expect.stringMatching(message) }
    await expect(withPatience('reading a.jpg', work)).rejects.toMatchObject(failed)
    expect(work).toHaveBeenCalledTimes(8)
  })

  test('is not what another error is, which passes at once', async () => {
    const work = vi.fn().mockRejectedValue(system('EISDIR'))
    await expect(withPatience('reading a', work)).rejects.toMatchObject({ code: 'EISDIR' })
    expect(work).toHaveBeenCalledTimes(1)
  })
})
