import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sessionOf } from '../../lib/clip/session.js'
import { Clip, InfoNCE } from '../../lib/index.js'
import { images, pixels, TINY, tiny, tokens } from './tiny.js'

const rejection = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'ClipwrightError',
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('Clip.create', () => {
  it('describes the model', async () => {
    await using clip = await Clip.create('ViT-tiny-test')
    expect(clip.config.vision_cfg.patch_size).toBe(8)
    expect(clip.preprocess).toMatchObject({ size: 32, resize_mode: 'shortest', interpolation: 'bicubic' })
    expect([clip.device, clip.precision]).toEqual(['cpu', 'fp32'])
    expect(clip.tokenizer.vocabSize).toBe(49408)
  })

  it('draws the same weights from the same seed, and others from another', async () => {
    const read = async (seed: number | undefined) => {
      await using clip = await tiny(seed === undefined ? {} : { seed })
      return (
        await clip
          .parameters()
          .find((p) => p.name === 'visual.proj')!
          .read()
      ).data
    }
    const [a, b, c, unsaid] = await Promise.all([read(7), read(7), read(8), read(undefined)])
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
    expect(unsaid).toEqual(await read(0))
    // open_clip: normal with deviation width^-0.5.
    const deviation = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0) / a.length)
    expect(deviation).toBeGreaterThan(0.85 * 32 ** -0.5)
    expect(deviation).toBeLessThan(1.15 * 32 ** -0.5)
  })

  it.each([
    ['ERR_UNKNOWN_MODEL', 'ViT-B-32', 'ViT-B-33', {}],
    ['ERR_INVALID_ARGUMENT', 'there is no option "presicion"; did you mean "precision"?', TINY, { presicion: 'bf16' }],
    [
      'ERR_INVALID_ARGUMENT',
      "option \"device\": expected 'auto', 'cpu', 'cuda' or 'cuda:N', got \"gpu\"",
      TINY,
      { device: 'gpu' },
    ],
    ['ERR_INVALID_ARGUMENT', 'option "threads"', TINY, { threads: 0 }],
    ['ERR_INVALID_ARGUMENT', 'option "seed"', TINY, { seed: 1.5 }],
    ['ERR_INVALID_ARGUMENT', 'expected object, got 42', 42, {}],
    ['ERR_INVALID_ARGUMENT', 'must divide', { ...TINY, vision_cfg: { image_size: 17, patch_size: 8 } }, {}],
  ])('%s: %s', async (code, message, model, options) => {
    await expect(Clip.create(model as never, options as never)).rejects.toThrow(rejection(code, message))
  })

  it.each([
    ['ERR_INVALID_ARGUMENT', 'CLIPWRIGHT_BACKEND: expected reference, cpu or cuda', { CLIPWRIGHT_BACKEND: 'gpu' }],
    ['ERR_INVALID_ARGUMENT', 'CLIPWRIGHT_THREADS: expected a whole number', { CLIPWRIGHT_THREADS: 'two' }],
  ])('%s: %s', async (code, message, environment) => {
    for (const [key, value] of Object.entries(environment)) vi.stubEnv(key, value)
    await expect(tiny({ device: 'cpu' })).rejects.toThrow(rejection(code, message))
  })

  it('has as many threads as it is told, by the option first', async () => {
    vi.stubEnv('CLIPWRIGHT_THREADS', '1')
    await using one = await tiny()
    await using two = await tiny({ threads: 2 })
    expect([sessionOf(one, 'test').threads, sessionOf(two, 'test').threads]).toEqual([1, 2])
  })

  it('cannot be made with new', () => {
    expect(() => new (Clip as unknown as new () => Clip)()).toThrow('Clip.create')
  })
})

describe('encodeImages', () => {
  it('gives features of length 1, or as they are', async () => {
    await using clip = await tiny()
    const { data, shape } = await clip.encodeImages(images(3))
    const raw = (await clip.encodeImages(images(3), { normalize: false })).data
    expect(shape).toEqual([3, 16])
    for (let row = 0; row < 3; row++) {
      const length = Math.hypot(...raw.subarray(row * 16, row * 16 + 16))
      expect(Math.abs(length - 1)).toBeGreaterThan(1e-2)
      for (let i = 0; i < 16; i++) expect(data[row * 16 + i]).toBeCloseTo(raw[row * 16 + i]! / length, 5)
    }
  })

  it('is the same in one batch and in several', async () => {
    await using clip = await tiny()
    const whole = await clip.encodeImages(images(7))
    const parts = await clip.encodeImages(images(7), { batchSize: 3 })
    whole.data.forEach((x, i) => {
      expect(parts.data[i]).toBeCloseTo(x, 5)
    })
  })

  it('normalises pixels by mean and deviation', async () => {
    await using clip = await tiny()
    const raw = pixels(2)
    const { mean, std } = clip.preprocess
    const data = new Float32Array(2 * 3 * 256)
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 256; i++)
          data[(n * 3 + c) * 256 + i] = (raw.data[(n * 256 + i) * 3 + c]! / 255 - mean[c]!) / std[c]!
    const a = await clip.encodeImages(raw)
    const b = await clip.encodeImages({ shape: [2, 3, 16, 16], data })
    a.data.forEach((x, i) => {
      expect(b.data[i]).toBeCloseTo(x, 5)
    })
  })

  it('decodes pictures, and names the one that it cannot', async () => {
    await using clip = await tiny()
    const { default: sharp } = await import('sharp')
    const raw = { width: 16, height: 16, channels: 3 } as const
    const one = (i: number) => pixels(3).data.subarray(i * 768, i * 768 + 768)
    const files = await Promise.all([0, 1, 2].map((i) => sharp(one(i), { raw }).png().toBuffer()))
    const fromFiles = clip.encodeImages(files, { batchSize: 2 })
    files[2]!.fill(0) // copied before the call returned
    expect(await fromFiles).toEqual(await clip.encodeImages(pixels(3), { batchSize: 2 }))
    await expect(clip.encodeImages(['/no/such/picture.png'])).rejects.toThrow(
      rejection('ERR_NOT_FOUND', '/no/such/picture.png'),
    )
    await expect(clip.encodeImages([files[0]!, Buffer.from('text')])).rejects.toThrow(rejection('ERR_IMAGE', '4 bytes'))
  })

  it('takes none at all', async () => {
    await using clip = await tiny()
    expect(await clip.encodeImages([])).toEqual({ shape: [0, 16], data: new Float32Array(0) })
    expect((await clip.encodeImages({ shape: [0, 3, 16, 16], data: new Float32Array(0) })).shape).toEqual([0, 16])
    expect((await clip.encodeTexts([])).shape).toEqual([0, 16])
  })

  const detached = () => {
    const value = images(1)
    structuredClone(value.data.buffer, { transfer: [value.data.buffer as ArrayBuffer] })
    return value
  }
  const withValue = (x: number) => {
    const value = images(1)
    value.data[5] = x
    return value
  }
  it.each([
    ['expected shape [n, 3, 16, 16], got [1, 3, 8, 32]', { ...images(1), shape: [1, 3, 8, 32] }],
    ['expected shape [n, 3, 16, 16], got nothing', { data: images(1).data }],
    ['expected 1536 values, got 768', { ...images(1), shape: [2, 3, 16, 16] }],
    ['expected shape [n, 16, 16, 3], got [1, 16, 16, 4]', { ...pixels(1), shape: [1, 16, 16, 4] }],
    ['expected finite numbers, got NaN at index 5', withValue(Number.NaN)],
    ['expected finite numbers, got -Infinity at index 5', withValue(Number.NEGATIVE_INFINITY)],
    ['SharedArrayBuffer', { shape: [1, 3, 16, 16], data: new Float32Array(new SharedArrayBuffer(768 * 4)) }],
    ['transferred elsewhere (detached)', detached()],
    ['expected a Tensor [n, 3, 16, 16]', { shape: [1, 3, 16, 16], data: new Float64Array(768) }],
    ['expected a Tensor [n, 3, 16, 16]', 5],
    ['expected a Tensor [n, 3, 16, 16]', undefined],
    ['images[1]: expected a path, a file: URL or a Buffer', ['a.png', 5]],
  ])('ERR_INVALID_ARGUMENT: %s', async (message, value) => {
    await using clip = await tiny()
    await expect(clip.encodeImages(value as never)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', message))
  })

  it('takes one picture or text as it takes a list of one, and plain bytes as Buffers', async () => {
    await using clip = await Clip.create('ViT-tiny-test', { device: 'cpu' })
    const file = new URL('../goldens/preprocess/small.png', import.meta.url)
    const bytes = new Uint8Array(readFileSync(file))
    const { data } = await clip.encodeImages([fileURLToPath(file)])
    for (const one of [fileURLToPath(file), file, bytes, [bytes] as const])
      expect(await clip.encodeImages(one)).toEqual({ shape: [1, 64], data })
    expect(await clip.encodeTexts('a cat')).toEqual(await clip.encodeTexts(['a cat']))
  })

  it('names an option that does not exist', async () => {
    await using clip = await tiny()
    await expect(clip.encodeImages(images(1), { batchsize: 1 } as never)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'did you mean "batchSize"'),
    )
  })
})

describe('encodeTexts', () => {
  it('equals the full context, packed or not', async () => {
    await using clip = await tiny()
    const packed = await clip.encodeTexts(tokens(7))
    const full = await clip.encodeTexts(tokens(7), { fullContext: true, batchSize: 2 })
    packed.data.forEach((x, i) => {
      expect(full.data[i]).toBeCloseTo(x, 5)
    })
  })

  it('reads strings with its tokenizer', async () => {
    await using clip = await Clip.create('ViT-tiny-test')
    const texts = ['a photo of a dog', 'x '.repeat(100), '']
    const fromStrings = await clip.encodeTexts(texts)
    const fromTokens = await clip.encodeTexts(clip.tokenizer.encodeBatch(texts, { contextLength: 32 }))
    expect(fromStrings).toEqual(fromTokens)
  })

  it.each([
    [
      'ERR_INVALID_ARGUMENT',
      'expected ids from 0 to 49, got 50 at row 0, position 0',
      { shape: [1, 2], data: Int32Array.of(50, 1) },
    ],
    ['ERR_INVALID_ARGUMENT', 'got -1 at row 1, position 0', { shape: [2, 1], data: Int32Array.of(0, -1) }],
    [
      'ERR_INVALID_ARGUMENT',
      'expected rows of 1 to 8 ids (context_length), got 9',
      { shape: [1, 9], data: new Int32Array(9) },
    ],
    ['ERR_INVALID_ARGUMENT', 'expected 4 values, got 2', { shape: [2, 2], data: Int32Array.of(1, 2) }],
    ['ERR_INVALID_ARGUMENT', 'with an Int32Array', { shape: [1, 2], data: Float32Array.of(1, 2) }],
    [
      'ERR_INVALID_ARGUMENT',
      'lengths: expected 1 to 2, got 3 at index 0',
      { shape: [1, 2], data: Int32Array.of(1, 2), lengths: Int32Array.of(3) },
    ],
    ['ERR_INVALID_ARGUMENT', 'expected a list of strings', 5],
    ['ERR_INVALID_ARGUMENT', 'expected strings, got 7 at index 1', ['a', 7]],
    ['ERR_MISMATCH', 'the tokenizer has 49408 ids but the model', ['a dog']],
  ])('%s: %s', async (code, message, value) => {
    await using clip = await tiny()
    await expect(clip.encodeTexts(value as never)).rejects.toThrow(rejection(code, message))
  })
})

describe('arrays', () => {
  it('are copied before the call returns', async () => {
    await using clip = await tiny()
    for (const batchSize of [2, 64]) {
      const [image, caption] = [images(5), tokens(5)]
      const expected = await clip.encodeImages(image, { batchSize })
      const expectedTexts = await clip.encodeTexts(caption, { batchSize })
      const calls = [clip.encodeImages(image, { batchSize }), clip.encodeTexts(caption, { batchSize })]
      image.data.fill(0)
      structuredClone(caption.data.buffer, { transfer: [caption.data.buffer as ArrayBuffer] })
      expect(await Promise.all(calls)).toEqual([expected, expectedTexts])
    }
    const batch = { images: pixels(5), tokens: tokens(5) }
    const { loss } = await clip.forwardBackward(batch, new InfoNCE())
    const call = clip.forwardBackward(batch, new InfoNCE())
    batch.images.data.fill(0)
    batch.tokens.data.fill(1)
    expect((await call).loss).toBe(loss)
  })

  it('of results belong to the caller', async () => {
    await using clip = await tiny()
    const { data } = await clip.encodeImages(images(2))
    expect(data.buffer).toBeInstanceOf(ArrayBuffer)
    expect(data.buffer.byteLength).toBe(2 * 16 * 4)
  })
})

describe('abort', () => {
  it('rejects with the reason, before and during the work', async () => {
    await using clip = await tiny()
    const reason = new Error('enough')
    await expect(clip.encodeImages(images(1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const running = clip.encodeTexts(tokens(2000), { batchSize: 1, signal: controller.signal })
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
    // What was queued goes on unheard; the model stays usable.
    expect((await clip.encodeTexts(tokens(1))).shape).toEqual([1, 16])
  })
})

describe('forwardBackward', () => {
  it.each([
    ['expected as many captions as images, got 3 for 2', { images: images(2), tokens: tokens(3) }, new InfoNCE(), {}],
    ['expected at least one pair', { images: images(0), tokens: tokens(0) }, new InfoNCE(), {}],
    ['expected a loss such as new InfoNCE(), got nothing', { images: images(2), tokens: tokens(2) }, undefined, {}],
    ['option "microBatch"', { images: images(2), tokens: tokens(2) }, new InfoNCE(), { microBatch: 0 }],
    ['did you mean "microBatch"', { images: images(2), tokens: tokens(2) }, new InfoNCE(), { microbatch: 1 }],
    ['forwardBackward: images: expected a Tensor', undefined, new InfoNCE(), {}],
  ])('ERR_INVALID_ARGUMENT: %s', async (message, batch, loss, options) => {
    await using clip = await tiny()
    await expect(clip.forwardBackward(batch as never, loss as never, options as never)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', message),
    )
  })

  it('takes a single pair: nothing to tell apart, no loss', async () => {
    await using clip = await tiny()
    const { loss } = await clip.forwardBackward({ images: images(1), tokens: tokens(1) }, new InfoNCE())
    expect(loss).toBeCloseTo(0, 6)
  })

  it('InfoNCE names a wrong reduction', () => {
    expect(() => new InfoNCE({ reduction: 'average' as never })).toThrow(
      rejection('ERR_INVALID_ARGUMENT', /InfoNCE: option "reduction".*got "average"/),
    )
  })
})

describe('dispose', () => {
  it('is final, may be repeated, and lets waiting calls know', async () => {
    const clip = await tiny()
    const [parameter] = clip.parameters()
    const long = clip.forwardBackward({ images: pixels(1024), tokens: tokens(1024) }, new InfoNCE())
    const waiting = Promise.allSettled([long, clip.encodeImages(images(1))])
    await Promise.all([clip.dispose(), clip.dispose()])
    const codes = (await waiting).map((r) => (r.status === 'rejected' ? r.reason.code : 'done'))
    expect(codes).toEqual(['ERR_DISPOSED', 'ERR_DISPOSED'])
    const disposed = rejection('ERR_DISPOSED', 'This model was disposed')
    await expect(clip.encodeImages(images(1))).rejects.toThrow(disposed)
    await expect(clip.encodeTexts(tokens(1))).rejects.toThrow(disposed)
    await expect(clip.encodeTexts([])).rejects.toThrow(disposed)
    await expect(clip.save('/tmp/never-written')).rejects.toThrow(disposed)
    await expect(parameter!.read()).rejects.toThrow(disposed)
    expect(() => clip.parameters()).toThrow(disposed)
    expect(() => {
      parameter!.trainable = false
    }).toThrow(disposed)
  })
})
