import { expect, test } from 'vitest'
import { crc32c, EVENT_FILE, fileHeader, scalarEvent } from '../../lib/report/tensorboard.js'

test('crc32c gives the values of RFC 3720, appendix B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

// What tensorboard 2.21's own RecordWriter makes of the same events.
test('the header and a scalar are the bytes that TensorBoard knows', () => {
  expect(fileHeader(1.5).toString('hex')).toBe(
    '1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c',
  )
  expect(scalarEvent('loss', 300, 0.25, 1.5).toString('hex')).toBe(
    '1b000000000000001a0d9e1309000000000000f83f10ac022a0d0a0b0a046c6f7373150000803e9908deed',
  )
})

test('steps are varints, as long as they need be', () => {
  // After the record's 12 bytes and the 9 of the time: the key 0x10, the step, the key of the summary 0x2a.
  const step = (n: number) =>
    /^10((?:[89a-f].)*[0-7].)2a/.exec(scalarEvent('x', n, 0, 0).subarray(21).toString('hex'))?.[1]
  expect([0, 127, 128, 16_384, 2 ** 32].map(step)).toEqual(['00', '7f', '8001', '808001', '8080808010'])
})

test('its name holds what TensorBoard looks for', () => {
  expect(EVENT_FILE).toContain('tfevents')
})
