/** onnxruntime-node, where it is installed: an optional peer, loaded on first use. */
import { createRequire } from 'node:module'

export type RuntimeTensor = { dims: readonly number[]; data: ArrayLike<number> }

type Session = {
  inputNames: readonly string[]
  run(feeds: Record<string, unknown>): Promise<Record<string, RuntimeTensor>>
  release(): Promise<void>
}

/** What of its interface is used here. */
export type Runtime = {
  version: string
  tensor(type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]): unknown
  open(path: string): Promise<Session>
}

type Module = {
  Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown
  InferenceSession: { create(path: string, options: object): Promise<Session> }
  env: { versions: { node?: string; common: string } }
}

/** For a few inputs, once: no arena that keeps what it had, no search for a better graph. */
const CHEAP = { graphOptimizationLevel: 'basic', enableCpuMemArena: false, enableMemPattern: false }

/** The runtime, or why there is none. */
export function findRuntime(): Runtime | { missing: string } {
  const require = createRequire(import.meta.url)
  try {
    const { Tensor, InferenceSession, env } = require('onnxruntime-node') as Module
    return {
      version: env.versions.node ?? env.versions.common,
      tensor: (type, data, dims) => new Tensor(type, data, dims),
      open: (path) => InferenceSession.create(path, CHEAP),
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const absent = code === 'MODULE_NOT_FOUND' && message.includes("'onnxruntime-node'")
    const missing = absent ? 'is not installed beside clipwright' : `could not be loaded (${message.split('\n')[0]})`
    return { missing: `onnxruntime-node ${missing}` }
  }
}
