/** What a folder says about a model besides what loading it needs: its class of transformers, its licence. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readJson, readText } from './layouts/hf/files.js'

export type Card = { architectures: string[]; license: string | null }

/**
 * Nothing of a file that was named alone: what lies beside it may be anybody's. What is not as such files have it is left out.
 * @param path what was asked for, @param weights the file of weights there
 */
export async function readCard(path: string, weights: string): Promise<Card> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder) return { architectures: [], license: null }
  const folder = dirname(weights)
  const config = Object(await readJson(join(folder, 'config.json')).catch(() => undefined)) as Record<string, unknown>
  const { architectures, license } = config
  return {
    architectures: Array.isArray(architectures) ? architectures.filter((name) => typeof name === 'string') : [],
    license: licenseOf(await readText(join(folder, 'README.md')).catch(() => undefined)) ?? stringOf(license),
  }
}

const stringOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)

/** From the front matter of a model card; of a licence that has no name of its own, the one that it is given. */
function licenseOf(card: string | undefined): string | undefined {
  const front = /^\uFEFF?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)/s.exec(card ?? '')?.[1]
  if (front === undefined) return undefined
  const named = scalar(front, 'license')
  return named === 'other' ? (scalar(front, 'license_name') ?? named) : named
}

/** The value of a key in plain YAML: a word, a quoted one, or the first of a list. */
function scalar(yaml: string, key: string): string | undefined {
  const found = new RegExp(
    `^${key}:[ \\t]*(?:\\r?\\n[ \\t]*-[ \\t]*)?\\[?[ \\t]*(['"]?)([^'"\\r\\n,\\]#]+)\\1`,
    'm',
  ).exec(yaml)
  return found?.[2]?.trim() || undefined
}
