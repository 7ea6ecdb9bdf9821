/** `hf-hub:owner/name[@revision]`, as open_clip writes it. */
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'

const PREFIX = 'hf-hub:'
/** Of the two parts of a repository's name; it is a folder's name in the cache, too. */
const PART = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/
const LONGEST = 96

/** What a model is called on a hub. */
export type HubAddress = {
  /** `owner/name` */
  repository: string
  /** A branch, a tag or a commit. */
  revision: string
}

export const COMMIT = /^[0-9a-f]{40}$/

export function isHubAddress(path: string): boolean {
  return path.startsWith(PREFIX)
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT for names that no hub gives, or that would lie outside of the cache */
export function parseHubAddress(text: string): HubAddress {
  const given = text.slice(PREFIX.length)
  const at = given.indexOf('@')
  const repository = at < 0 ? given : given.slice(0, at)
  const revision = at < 0 ? 'main' : given.slice(at + 1)
  const parts = repository.split('/')
  const fits = parts.length === 2 && parts.every((part) => PART.test(part) && !/--|\.\./.test(part))
  if (!fits || repository.length > LONGEST) {
    throw invalid(`${show(text)}: expected hf-hub:owner/name or hf-hub:owner/name@revision, got ${show(given)}`)
  }
  // As git has it; as a path, it stays in the folder of the references.
  const isReference = revision.split('/').every((part) => /^[\w+=%-][\w.+=%-]*$/.test(part) && !part.includes('..'))
  if (!isReference) throw invalid(`${show(text)}: ${show(revision)} is no branch, tag or commit`)
  return { repository, revision }
}
