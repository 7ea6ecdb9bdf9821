/**
 * A file in an S3 store, through the AWS SDK, which is installed beside clipwright by who needs it and loaded on first use.
 * Keys, regions and endpoints are what the SDK finds: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 and so on.
 */
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import { Passing } from '../../hub/failures.js'
import { StoreFailure } from '../../image/fault.js'
import type { ByteFile } from './byte-file.js'
import { changed, patiently, REMOTE_STRIDE } from './http-file.js'

type Sdk = typeof import('@aws-sdk/client-s3')
type Client = InstanceType<Sdk['S3Client']>

let loaded: Promise<{ sdk: Sdk; client: Client }> | undefined

/** @throws ClipwrightError ERR_UNSUPPORTED without the SDK, ERR_NOT_FOUND, ERR_IO */
export async function openS3(url: string): Promise<ByteFile> {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/i.exec(url) ?? []
  if (bucket === undefined || key === undefined) {
    throw new ClipwrightError('ERR_NOT_FOUND', `${url} is no address of a file: expected s3://BUCKET/KEY`)
  }
  loaded ??= load()
  const { sdk, client } = await loaded
  const where = { Bucket: bucket, Key: key }
  const head = await asked(url, () => client.send(new sdk.HeadObjectCommand(where)))
  const { ContentLength: size = 0, ETag: tag = '' } = head
  const read = async (offset: number, length: number) => {
    const wanted = Math.max(0, Math.min(length, size - offset))
    if (wanted === 0) return Buffer.alloc(0)
    const range = { ...where, Range: `bytes=${offset}-${offset + wanted - 1}`, IfMatch: tag }
    return asked(url, async () => {
      const { Body } = await client.send(new sdk.GetObjectCommand(range))
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
      if (bytes.length === wanted) return bytes
      throw new Passing(`the store sent ${bytes.length} of ${wanted} bytes`)
    })
  }
  return { path: url, size, tag: `${size} ${tag}`, stride: REMOTE_STRIDE, read }
}

async function load() {
  try {
    const sdk = await import('@aws-sdk/client-s3')
    // Stores other than Amazon's have no host for each bucket. What fails for a while is tried again here, with its words.
    const own = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
    const client = new sdk.S3Client({ forcePathStyle: own !== undefined, maxAttempts: 1 })
    return { sdk, client }
  } catch (cause) {
    loaded = undefined
    const message = `s3:// addresses need @aws-sdk/client-s3, which could not be loaded (${shorten((cause as Error).message)}); install it beside clipwright: npm install @aws-sdk/client-s3`
    throw new ClipwrightError('ERR_UNSUPPORTED', message, { cause })
  }
}

function asked<T>(url: string, work: () => Promise<T>): Promise<T> {
  return patiently(url, async () => {
    try {
      return await work()
    } catch (error) {
      throw error instanceof Passing ? error : failureOf(url, error)
    }
  })
}

function failureOf(url: string, error: unknown): Error {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  const reason = shorten(message || name)
  const cause = new StoreFailure(reason, { cause: error })
  if (status === 412) return changed(url)
  if (status === 404)
    return new ClipwrightError('ERR_NOT_FOUND', `expected a file at ${url}, but the store has none`, { cause })
  if (status === 401 || status === 403 || name === 'CredentialsProviderError' || /region is missing/i.test(message)) {
    const advice = 'check AWS_PROFILE or AWS_ACCESS_KEY_ID, AWS_REGION, and that they may read it'
    return new ClipwrightError('ERR_IO', `the store refuses ${url} (${reason}); ${advice}`, { cause })
  }
  if (status !== undefined && status !== 429 && status < 500) {
    return new ClipwrightError('ERR_IO', `the store answered ${status} when asked for ${url} (${reason})`, { cause })
  }
  return new Passing(`the store: ${reason}`, { cause: error })
}
