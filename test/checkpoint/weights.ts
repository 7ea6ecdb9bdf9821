/** Weights as they are compared, the goldens that have some, and errors as they are expected. */
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Clip } from '../../lib/index.js'

export const golden = (name: string) => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url))

export const rejection = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })

export async function weights(clip: Clip): Promise<Record<string, Float32Array>> {
  const all = clip.parameters().map(async (p) => [p.name, (await p.read()).data] as const)
  return Object.fromEntries(await Promise.all(all))
}
