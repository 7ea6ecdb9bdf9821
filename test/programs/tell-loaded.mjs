// Names every module that the process loads on stderr: node --import ./tell-loaded.mjs …
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

// The file is its own hook, which Node runs on a thread of its own.
if (isMainThread) register(import.meta.url)

export function load(url, context, next) {
  process._rawDebug(`loaded ${url}`)
  return next(url, context)
}
