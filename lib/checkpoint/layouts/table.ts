/**
 * How the libraries name a model's tensors, and in what folders they keep them. In the core,
 * parameters have open_clip's names whatever the text tower. A further layout is a folder beside this file, its name in ids.ts,
 * and a row here.
 */
import { ClipwrightError } from '../../base/errors.js'
import type { ModelConfig } from '../../models/config.js'
import { chineseClip } from './chinese-clip/layout.js'
import { hf } from './hf/layout.js'
import type { Layout } from './ids.js'
import type { FolderFormat, ReadLayout, SavedLayout, TensorNames } from './layout.js'
import { openClip } from './open-clip/layout.js'
import { openAi } from './openai/layout.js'
import { referenceCn } from './reference-cn/layout.js'
import type { ParameterShape } from './stored-parts.js'

/** Of one id, the first row that does not refuse a model is its. Of equally many names in a file, the first row's count. */
const SAVED: readonly (SavedLayout & { id: Layout })[] = [...openClip, ...hf, openAi, referenceCn]
const ONLY_READ = [chineseClip]

const readable: readonly ReadLayout[] = [...SAVED, ...ONLY_READ]

/** The formats of folders, in the order in which they are looked for. */
export const FOLDERS: readonly FolderFormat[] = [...new Set(SAVED.map(({ folder }) => folder))]

/** @throws ClipwrightError ERR_UNSUPPORTED when the model has no form in this layout */
export function layoutOf(layout: Layout, config: ModelConfig): SavedLayout {
  const rows = SAVED.filter(({ id }) => id === layout)
  const row = rows.find(({ refuses }) => refuses(config) === undefined)
  if (row) return row
  const reasons = new Set(rows.map(({ refuses }) => refuses(config)))
  const others = new Set(SAVED.filter(({ refuses }) => refuses(config) === undefined).map(({ id }) => id))
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `Layout "${layout}" is not for this model: ${[...reasons].join(' and ')}; supported for it: ${[...others].join(', ')}.`,
  )
}

/** @throws ClipwrightError ERR_UNSUPPORTED when the model has no form in this layout */
export function tensorNames(layout: Layout, config: ModelConfig): TensorNames {
  return layoutOf(layout, config).names
}

/** What users call a parameter, in options, states of optimizers and messages: its name in open_clip's layout. */
export function publicName(parameter: ParameterShape, config: ModelConfig): string {
  return tensorNames('open_clip', config).partsOf(parameter)[0]!.name
}

/** The layout, of those that the model has, under whose names most of the parameters lie in a file. */
export function recogniseLayout(
  parameters: readonly ParameterShape[],
  stored: ReadonlyMap<string, unknown>,
  config: ModelConfig,
): ReadLayout {
  const found = readable
    .filter(({ refuses }) => refuses(config) === undefined)
    .map((row) => ({ row, count: countStored(row.names, parameters, stored) }))
  return found.reduce((best, next) => (next.count > best.count ? next : best)).row
}

function countStored(names: TensorNames, parameters: readonly ParameterShape[], stored: ReadonlyMap<string, unknown>) {
  return parameters.flatMap((parameter) => names.partsOf(parameter)).filter(({ name }) => stored.has(name)).length
}

/** What may lie unread in a file. Of rows with the same names, which nothing tells apart, the first stands for all. */
export function isIgnored(names: TensorNames, name: string): boolean {
  const alike = readable.map((row) => row.names).filter(({ partsOf }) => partsOf === names.partsOf)
  return names.ignores(name) || (alike[0] === names && alike.some((others) => others.ignores(name)))
}
