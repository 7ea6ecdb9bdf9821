/** Which hub, where its files are kept, and as whom it is asked: what Python's huggingface_hub takes from the environment, too. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClipwrightError, invalid } from '../base/errors.js'
import { isMissing } from '../files/exists.js'
import { readWholeText } from '../files/read-whole.js'

/** How models on a hub are reached. */
export type HubOptions = {
  /** Take what lies in the cache and ask nobody; by default as HF_HUB_OFFLINE says. */
  offline?: boolean
  /** The cache, which Python's huggingface_hub shares; by default HF_HUB_CACHE, or `hub` in HF_HOME or ~/.cache/huggingface. */
  cacheDir?: string
  /** For private and gated models; by default HF_TOKEN, or what `hf auth login` has kept. */
  token?: string
}

export type HubSettings = {
  offline: boolean
  cache: string
  token: string | undefined
  /** Without a slash at its end. */
  endpoint: string
  /** How long a connection may be silent. */
  timeoutMs: number
}

const USUAL_ENDPOINT = 'https://huggingface.co'
const USUAL_TIMEOUT_S = 30

/** @throws ClipwrightError ERR_INVALID_ARGUMENT for an HF_ENDPOINT that is no address, ERR_IO for a token that cannot be read */
export async function hubSettings({ offline, cacheDir, token }: HubOptions = {}): Promise<HubSettings> {
  const seconds = Number(environment('HF_HUB_DOWNLOAD_TIMEOUT'))
  return {
    offline: offline ?? isOn('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'),
    cache: cacheDir === undefined ? usualCache() : resolve(cacheDir),
    token: clean(token) ?? (await usualToken()),
    endpoint: endpoint(),
    timeoutMs: 1000 * (seconds > 0 ? seconds : USUAL_TIMEOUT_S),
  }
}

/** Whether a switch has one of the values that Python takes for on. */
export function isOn(...names: string[]): boolean {
  const value = names.map(environment).find((text) => text !== undefined)
  return value !== undefined && ['1', 'on', 'yes', 'true'].includes(value.toLowerCase())
}

function endpoint(): string {
  const given = environment('HF_ENDPOINT') ?? USUAL_ENDPOINT
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return given.replace(/\/+$/, '')
  throw invalid(`HF_ENDPOINT: expected the address of a hub such as ${USUAL_ENDPOINT}, got ${given}`)
}

function home(): string {
  return place('HF_HOME') ?? join(place('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface')
}

function usualCache(): string {
  return place('HF_HUB_CACHE') ?? place('HUGGINGFACE_HUB_CACHE') ?? join(home(), 'hub')
}

async function usualToken(): Promise<string | undefined> {
  if (isOn('HF_HUB_DISABLE_IMPLICIT_TOKEN')) return undefined
  const given = clean(environment('HF_TOKEN') ?? environment('HUGGING_FACE_HUB_TOKEN'))
  if (given !== undefined) return given
  const path = place('HF_TOKEN_PATH') ?? join(home(), 'token')
  try {
    return clean(await readWholeText(path))
  } catch (cause) {
    if (isMissing(cause)) return undefined
    const message = `The token in ${path} could not be read (${(cause as Error).message}); set HF_TOKEN, or HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to do without.`
    throw new ClipwrightError('ERR_IO', message, { cause })
  }
}

/** Line ends are copied with it easily, and a header may not hold them. */
function clean(token: string | undefined): string | undefined {
  const text = token?.replace(/\s+/g, '')
  if (text === undefined || text === '') return undefined
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw invalid('The token for the hub (HF_TOKEN) has characters that no token has; copy it again')
}

/** A path, with ~ and $NAME replaced as Python does. */
function place(name: string): string | undefined {
  const given = environment(name)
  if (given === undefined) return undefined
  const named = given.replace(/\$(?:(\w+)|\{(\w+)\})/g, (all, bare, braced) => process.env[bare ?? braced] ?? all)
  return resolve(named.replace(/^~(?=\/|$)/, homedir()))
}

function environment(name: string): string | undefined {
  return process.env[name]?.trim() || undefined
}
