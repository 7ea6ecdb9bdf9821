/** Shards for tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, vi } from 'vitest'
import { picture } from '../pictures.js'
import { type Entry, tar } from '../tar/tar-writer.js'

/** A folder that is removed after the file's tests; what is kept of shards is kept there. */
export function shardFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clipwright-shards-'))
  vi.stubEnv('CLIPWRIGHT_CACHE', join(folder, 'cache'))
  afterAll(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** @returns its path */
export function writeShard(path: string, entries: readonly Entry[]): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, tar(entries))
  return path
}

/** Pairs `first`, `first + 1` … of a picture and a text, as webdataset names them. */
export async function pairs(first: number, count: number): Promise<Entry[]> {
  const all: Entry[] = []
  for (let i = first; i < first + count; i++) {
    const key = String(i).padStart(6, '0')
    all.push({ name: `${key}.png`, data: await picture(i) }, { name: `${key}.txt`, data: `caption ${i}` })
  }
  return all
}
