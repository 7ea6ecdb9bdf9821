/** What `canary` names: lists of captioned pictures as `val` takes them, or folders of pictures sorted by class. */
import { createHash } from 'node:crypto'
import { relative } from 'node:path'
import { readClassFolders } from '../data/class-folders.js'
import { isClassFolder } from '../data/open.js'
import type { EvalSet } from '../eval/eval-set.js'
import type { CanaryMeasure } from './events.js'
import { measuredList } from './measured-list.js'
import type { Settings } from './options/options.js'

export type Canary = {
  path: string
  measure: CanaryMeasure
  /** A digest of what is measured, wherever it lies: a resumed run compares with the start on the same data alone. */
  print: string
  /** Of a list. */
  set?: EvalSet
}

/** @throws ClipwrightError what lists and folders can be wrong with */
export async function openCanaries(settings: Settings): Promise<Canary[]> {
  const canaries: Canary[] = []
  for (const path of settings.canary ?? []) canaries.push(await openCanary(path, settings))
  return canaries
}

async function openCanary(path: string, settings: Settings): Promise<Canary> {
  if (await isClassFolder(path)) return { path, measure: 'top1', print: await printOfFolders(path) }
  const { set, print } = await measuredList(path, settings)
  return { path, measure: 'r_mean', print: [print.sha256, ...(print.split ? [print.split] : [])].join(' '), set }
}

async function printOfFolders(path: string): Promise<string> {
  const { classes } = await readClassFolders(path)
  const hash = createHash('sha256')
  for (const { folder, name, images } of classes)
    hash.update(`${JSON.stringify([folder, name, images.map((image) => relative(path, image))])}\n`)
  return hash.digest('hex')
}
