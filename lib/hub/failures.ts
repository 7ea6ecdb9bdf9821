/** What a hub, or the way to it, may be wrong with, in sentences. */
import { ClipwrightError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { shorten } from '../base/shorten.js'
import { pretrainedRepositories } from '../models/pretrained.js'
import type { HubAddress } from './address.js'

/** What may be gone when it is tried again. */
export class Passing extends Error {
  /** How long the other side wants to be left alone. */
  readonly waitMs: number | undefined
  /** Whether nothing answered at all: there may be no network. */
  readonly unreachable: boolean

  constructor(message: string, options: { waitMs?: number | undefined; unreachable?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.waitMs = options.waitMs
    this.unreachable = options.unreachable ?? false
  }
}

/** What is asked of whom, for messages. */
export type Asked = HubAddress & { endpoint: string; cache: string; withToken: boolean }

const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN'])
const UNTRUSTED = /CERT|SIGNED|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL/

/** Of a request that got no answer, or not all of it. */
export function brokenConnection(error: unknown, host: string): Error {
  const cause = deepest(error)
  const { code = '', message } = cause as NodeJS.ErrnoException
  const reason = shorten(oneLine(message || code))
  if (UNTRUSTED.test(code)) {
    const advice = 'a proxy that shows a certificate of its own has to be made known by NODE_EXTRA_CA_CERTS'
    return new ClipwrightError('ERR_IO', `${host} is not trusted (${reason}); ${advice}.`, { cause })
  }
  return new Passing(`${host}: ${reason}`, { unreachable: UNREACHABLE.has(code), cause })
}

/** What stays when trying again did not help. */
export function lasting(failure: Passing, { repository, endpoint, cache }: Asked): ClipwrightError {
  const proxied = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name])
  const proxy =
    proxied && !process.env.NODE_USE_ENV_PROXY
      ? ' Node.js takes proxies from the environment only with NODE_USE_ENV_PROXY=1 (22.21, 24 or newer).'
      : ''
  const offline = `what is complete in the cache (${cache}) can be used without a network by HF_HUB_OFFLINE=1 or offline`
  const what = failure.unreachable
    ? `${repository} could not be had because ${endpoint} cannot be reached (${failure.message}): is there a network?`
    : `${repository} could not be had from ${endpoint} (${failure.message}), also after several tries; what came of it is kept, so try again later.`
  const sentence = `${what} ${offline[0]!.toUpperCase()}${offline.slice(1)}.${proxy}`
  return new ClipwrightError('ERR_IO', sentence, { cause: failure })
}

/** Of an answer that is no. */
export async function refusal(response: Response, asked: Asked, file: string | undefined): Promise<ClipwrightError> {
  const { status, headers } = response
  const code = headers.get('x-error-code') ?? ''
  const said = oneLine(headers.get('x-error-message') ?? '')
  await response.body?.cancel().catch(() => {})
  const { repository, revision, endpoint, withToken } = asked
  const page = `${endpoint}/${repository}`
  if (code === 'RevisionNotFound')
    return missing(`${repository} has no revision "${revision}" on ${endpoint}; see ${page}.`)
  if (code === 'EntryNotFound') return missing(`${repository} has no file ${file} at revision ${revision}.`)
  if (code === 'GatedRepo' || (status === 403 && /gated|restricted|accept/i.test(said))) {
    const how = withToken
      ? 'the account of the token that was sent has no access yet: accept its licence there with that account, and wait where the owner decides'
      : 'accept its licence there with your account, then set HF_TOKEN to a token of it (or pass token, or run hf auth login)'
    return new ClipwrightError('ERR_IO', `${repository} is gated: ${page} asks for consent; ${how}.`)
  }
  if (status === 401 && /credentials|token/i.test(said)) {
    const message = `${endpoint} does not accept the token that was sent (${shorten(said)}); set HF_TOKEN to a valid one, or run hf auth login.`
    return new ClipwrightError('ERR_IO', message)
  }
  if (status === 401 || status === 404) {
    const close = nearest(repository, pretrainedRepositories())
    const offer = close && close !== repository ? `; did you mean ${close}?` : '.'
    const how = withToken ? 'or the token that was sent may not see it' : 'or it is private, and needs HF_TOKEN'
    return missing(`There is no model ${repository} on ${endpoint}, ${how}${offer}`)
  }
  if (status === 403) {
    const message = `${endpoint} refuses ${repository}${said ? ` (${shorten(said)})` : ''}: accept its licence at ${page} where it has one, and set HF_TOKEN to a token that may read it.`
    return new ClipwrightError('ERR_IO', message)
  }
  const message = `${endpoint} answered ${status}${said ? ` (${shorten(said)})` : ''} when asked for ${file ?? 'the files'} of ${repository}.`
  return new ClipwrightError('ERR_IO', message)
}

function missing(message: string): ClipwrightError {
  return new ClipwrightError('ERR_NOT_FOUND', message)
}

function deepest(error: unknown): unknown {
  const { cause } = error as { cause?: unknown }
  return cause instanceof Error ? deepest(cause) : error
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
