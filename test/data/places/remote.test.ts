import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openSource } from '../../../lib/data/open.js'
import { openFile } from '../../../lib/data/places/open-file.js'
import { isPictureFault } from '../../../lib/image/fault.js'
import { readAddress } from '../../../lib/image/source.js'
import { picture } from '../pictures.js'
import { contentOf, samplesOf } from '../samples.js'
import { pairs, shardFolder, writeShard } from '../shards/shards.js'
import { tar } from '../tar/tar-writer.js'
import { etagOf, FileServer } from './file-server.js'

const folder = shardFolder()
const server = await FileServer.start()
vi.stubEnv('AWS_ENDPOINT_URL_S3', server.origin)
vi.stubEnv('AWS_REGION', 'us-east-1')
vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
vi.stubEnv('CLIPWRIGHT_HTTP_TIMEOUT', '0.5')
beforeEach(() => server.files.set('/data/a.bin', Buffer.from('0123456789')))
afterEach(() => {
  server.fault = undefined
  server.ranges = true
})
const addresses = [
  ['http', () => `${server.origin}/data/a.bin`],
  ['s3', () => 's3://data/a.bin'],
] as const
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it was read'),
    (error) => ({ code: error.code, message: error.message, isPictureFault: isPictureFault(error) }),
  )

describe.each(addresses)('a file on a server: %s', (_, address) => {
  it('is read in parts, within its bounds', async () => {
    const file = await openFile(address())
    expect(file.size).toBe(10)
    expect(String(await file.read(3, 4))).toBe('3456')
    expect(String(await file.read(8, 100))).toBe('89')
    expect(await file.read(10, 5)).toHaveLength(0)
  })

  it.each([429, 500, 503])('is asked for again after %s', async (status) => {
    const file = await openFile(address())
    server.failing(2, (response) => response.writeHead(status, { 'retry-after': '0' }).end())
    expect(String(await file.read(0, 2))).toBe('01')
  })

  it.each([
    [403, 'ERR_IO', /refuses .*(still valid|AWS_PROFILE)/],
    [404, 'ERR_NOT_FOUND', /expected a file at .*a\.bin/],
  ])('is not there at once by %s', async (status, code, message) => {
    const file = await openFile(address())
    server.requests = 0
    server.failing(9, (response) => response.writeHead(status).end())
    // It would be lost as a bad picture: the run ends instead.
    expect(await failure(file.read(0, 2))).toEqual({
      code,
      message: expect.stringMatching(message),
      isPictureFault: false,
    })
    expect(server.requests).toBe(1)
  })

  it('that was changed meanwhile is refused, and has another index', async () => {
    const file = await openFile(address())
    server.files.set('/data/a.bin', Buffer.from('abcdefghij'))
    expect(await failure(file.read(0, 2))).toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('is another file than it was'),
    })
    expect((await openFile(address())).tag).not.toBe(file.tag)
  })
})

describe('a web server', () => {
  const url = () => `${server.origin}/data/a.bin`

  it('that stalls, or breaks off, is asked again', async () => {
    const file = await openFile(url())
    server.failing(1, () => {})
    expect(String(await file.read(0, 2))).toBe('01')
    server.failing(1, (response) => {
      const etag = etagOf(server.files.get('/data/a.bin')!)
      response.writeHead(206, { etag, 'content-range': 'bytes 0-1/10', 'content-length': 2 }).write('0')
      setTimeout(() => response.destroy(), 20)
    })
    expect(String(await file.read(0, 2))).toBe('01')
  })

  it('that never answers well is given up, which is no fault of a picture', async () => {
    const file = await openFile(url())
    server.failing(100, (response) => response.writeHead(503, { 'retry-after': '0' }).end())
    expect(await failure(file.read(0, 2))).toEqual({
      code: 'ERR_IO',
      message: expect.stringMatching(/could not be read \(127\.0\.0\.1:\d+ answered 503\), also after several tries/),
      isPictureFault: false,
    })
  })

  it('without ranges says so', async () => {
    server.ranges = false
    expect(await failure(openFile(url()))).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('sends whole files only'),
    })
  })
})

describe('shards on a server', () => {
  it.each(['http', 's3'])('are those of a folder: %s', async (kind) => {
    const local = []
    for (let i = 0; i < 2; i++) {
      const entries = await pairs(10 * i, 10)
      local.push(writeShard(`${folder}/w-${i}.tar`, entries))
      server.files.set(`/bucket/w-${i}.tar`, tar(entries))
    }
    const base = kind === 's3' ? 's3://bucket' : `${server.origin}/bucket`
    const remote = await openSource(`${base}/w-{0..1}.tar`)
    const expected = await openSource(`${folder}/w-{0..1}.tar`)
    expect(remote.size).toBe(20)
    expect(await remote.identity()).toBe(await expected.identity())
    expect(await contentOf(await samplesOf(remote))).toEqual(await contentOf(await samplesOf(expected)))
    const { pictures } = await remote.retrieval()
    expect(await readAddress(pictures[3]!)).toEqual(await picture(3))
    // Indexed once: what is asked again is whether they are the same.
    server.requests = 0
    await openSource(`${base}/w-{0..1}.tar`)
    expect(server.requests).toBe(2)
  })
})
