/**
 * open_clip's pretrained weights by model and tag: `pretrained.json`, which test/peers/write_pretrained_tags.py makes from open_clip's
 * `pretrained.py`. Licences are not in it: what their repositories say counts.
 */
import { readFileSync } from 'node:fs'
import { ClipwrightError, invalid } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { show } from '../base/options.js'
import { type Description, describe } from './description.js'
import { describeModel, isModelName, listModels } from './registry.js'

/** Weights that a model can be loaded with by `pretrained`. */
export type Pretrained = {
  model: string
  tag: string
  /** On the Hugging Face hub: `owner/name`. */
  repository: string
}

type Row = {
  repository: string
  /** Where it is none of open_clip's usual names. */
  file?: string
  /** Trained with QuickGELU. */
  quick_gelu?: boolean
  /** Where it is not open_clip's default. */
  preprocess?: object
}

/** Of one model, by tags. */
type Rows = Readonly<Record<string, Row>>

const QUICK = '-quickgelu'

let table: Readonly<Record<string, Rows>> | undefined

/**
 * What `Clip.load(model, { pretrained: tag })` knows: open_clip's tags of the models that can be built.
 * @param model of this one alone
 */
export function listPretrained(model?: string): Pretrained[] {
  if (model !== undefined && typeof model !== 'string') {
    throw invalid(`listPretrained expects the name of a model, got ${show(model)}.`)
  }
  const models = model === undefined ? listModels() : [model]
  return models.flatMap((name) =>
    Object.entries(rowsOf(name)).map(([tag, { repository }]) => ({ model: name, tag, repository })),
  )
}

/** All of them, also of models that cannot be built: for "did you mean". */
export function pretrainedRepositories(): string[] {
  return [...new Set(Object.values(read()).flatMap((rows) => Object.values(rows).map(({ repository }) => repository)))]
}

export type PretrainedModel = Description & { repository: string; file: string | undefined }

/**
 * The model with the activation and the preprocessing that its weights were trained with, and where they lie.
 * @param tag as open_clip has it, whatever its case, with - or _
 * @throws ClipwrightError ERR_UNKNOWN_MODEL offering the nearest tags or models, ERR_UNSUPPORTED for a model of open_clip's that
 *   cannot be built
 */
export function pretrainedModel(model: string, tag: string): PretrainedModel {
  const rows = rowsOf(model)
  const tags = Object.keys(rows)
  if (!isModelName(model) && tags.length > 0) {
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${model} is a model of open_clip's that cannot be built here yet; see listModels().`,
    )
  }
  const { config } = describeModel(model)
  if (tags.length === 0) {
    const message = `${model} has no pretrained weights that are known by a tag, so "${tag}" is none; pass their folder, file or hf-hub:owner/name instead.`
    throw new ClipwrightError('ERR_UNKNOWN_MODEL', message)
  }
  const row = rows[tag.toLowerCase().replaceAll('-', '_')]
  if (row === undefined) {
    const close = nearest(tag, tags)
    const offer = close ? `did you mean ${close}? There are` : 'there are'
    throw new ClipwrightError('ERR_UNKNOWN_MODEL', `${model} has no weights "${tag}"; ${offer} ${tags.join(', ')}.`)
  }
  // open_clip warns of another activation, and computes with it.
  const trained = row.quick_gelu ? { ...config, quick_gelu: true } : config
  const described = describe(trained, row.preprocess ?? {}, `${model} ${tag}`)
  return { ...described, repository: row.repository, file: row.file }
}

/** As open_clip has it, the tags of weights with QuickGELU are those of the model of that name, too. */
function rowsOf(name: string): Rows {
  const known = read()
  const spelt = [name, name.replaceAll('/', '-')]
  for (const model of spelt) {
    if (Object.hasOwn(known, model)) return known[model]!
    const plain = model.endsWith(QUICK) ? model.slice(0, -QUICK.length) : undefined
    if (plain === undefined || !Object.hasOwn(known, plain)) continue
    return Object.fromEntries(Object.entries(known[plain]!).filter(([, { quick_gelu }]) => quick_gelu))
  }
  return {}
}

function read(): Readonly<Record<string, Rows>> {
  table ??= JSON.parse(readFileSync(new URL('./pretrained.json', import.meta.url), 'utf8')) as Record<string, Rows>
  return table
}
