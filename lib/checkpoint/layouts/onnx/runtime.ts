/** onnxruntime-node, where it is installed: an optional peer, loaded on first use. */
import { createRequire } from 'node:module'

export type RuntimeTensor = { dims: readonly number[]; data: ArrayLike<number> }

/** What of its interface is used here. */
export type Runtime = {
  version: string
  tensor(type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]): unknown
  open(path: string): Promise<{
    inputNames: readonly string[]
    run(feeds: Record<string, unknown>): Promise<Record<string, RuntimeTensor>>
    release(): Promise<void>
  }>
}

type Module = {
  Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown
  InferenceSession: { create: Runtime['open'] }
  env: { versions: { node?: string; common: string } }
}

/** Undefined where it is not installed. @throws what loading it throws otherwise, such as that of a library that is missing */
export function findRuntime(): Runtime | undefined {
  const require = createRequire(import.meta.url)
  let path: string
  try {
    path = require.resolve('onnxruntime-node')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
  const { Tensor, InferenceSession, env } = require(path) as Module
  return {
    version: env.versions.node ?? env.versions.common,
    tensor: (type, data, dims) => new Tensor(type, data, dims),
    open: (file) => InferenceSession.create(file),
  }
}
