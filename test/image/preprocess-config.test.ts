import { describe, expect, it } from 'vitest'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import { preprocessOptions, resizeOf, withResize } from '../../lib/image/preprocess-config.js'

describe('parsePreprocessConfig', () => {
  it('reads null as absent, keeps what is said, and takes the size from the model', () => {
    expect(parsePreprocessConfig({ mean: [0.5, 0.5, 0.5], resize_mode: null, size: [336, 336] }, 224, 'm')).toEqual({
      size: 224,
      mean: [0.5, 0.5, 0.5],
      std: [0.26862954, 0.26130258, 0.27577711],
      interpolation: 'bicubic',
      resize_mode: 'shortest',
    })
  })

  it("takes OpenAI's statistics where none are given", () => {
    const { mean, std } = parsePreprocessConfig({}, 224, 'm')
    expect({ mean, std }).toEqual({
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    })
  })

  it.each([
    ['crop', { resize_mode: 'shortest' }],
    ['letterbox', { resize_mode: 'letterbox' }],
    ['pad', { resize_mode: 'longest', fill_color: 0 }],
    ['squash', { resize_mode: 'squash' }],
  ] as const)('%s is read, and made of any other', (resize, value) => {
    const config = parsePreprocessConfig(value, 64, 'm')
    expect(config).toMatchObject(value)
    expect(resizeOf(config)).toBe(resize)
    for (const other of ['crop', 'letterbox', 'pad', 'squash'] as const)
      expect(withResize(withResize(config, other), resize)).toEqual(config)
  })

  it("writes the reference's letterbox as a mode that open_clip refuses, and keeps open_clip's own with its grey", () => {
    const config = parsePreprocessConfig({}, 64, 'm')
    // open_clip asserts resize_mode in ('shortest', 'longest', 'squash').
    expect(withResize(config, 'letterbox')).toMatchObject({ resize_mode: 'letterbox' })
    expect(withResize(config, 'letterbox')).not.toHaveProperty('fill_color')
    const padded = parsePreprocessConfig({ resize_mode: 'longest', fill_color: 128 }, 64, 'm')
    expect(padded).toMatchObject({ resize_mode: 'longest', fill_color: 128 })
    expect(preprocessOptions(padded)).toMatchObject({ mode: 'pad', fill: 128 })
  })

  it('becomes RGB after the resize as open_clip has it, before it where the file says so', () => {
    expect(preprocessOptions(parsePreprocessConfig({}, 64, 'm'))).toMatchObject({ convert: 'after' })
    const reference = parsePreprocessConfig(
      { convert: 'before', interpolation: 'bilinear', background: '#fff' },
      64,
      'm',
    )
    expect(reference).toMatchObject({ convert: 'before', interpolation: 'bilinear', background: '#fff' })
    expect(preprocessOptions(reference)).toEqual({
      size: 64,
      mode: 'crop',
      convert: 'before',
      interpolation: 'bilinear',
      background: '#fff',
    })
  })

  it.each([
    ['ERR_INVALID_ARGUMENT', '"std.1"', { std: [1, 0, 1] }],
    ['ERR_INVALID_ARGUMENT', 'did you mean "interpolation"', { interpolaton: 'bicubic' }],
    ['ERR_UNSUPPORTED', 'interpolation "lanczos"', { interpolation: 'lanczos' }],
    ['ERR_INVALID_ARGUMENT', '"convert"', { convert: 'never' }],
    ['ERR_INVALID_ARGUMENT', '"background"', { background: 'white' }],
    ['ERR_UNSUPPORTED', 'resize_mode "stretch"', { resize_mode: 'stretch' }],
  ])('%s: %s', (code, message, value) => {
    expect(() => parsePreprocessConfig(value, 224, 'my-model')).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(new RegExp(`my-model.*${message}`)) }),
    )
  })
})
