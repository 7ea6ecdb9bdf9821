/** Low-rank adapters (https://arxiv.org/abs/2106.09685): which parameters get them, and their files, which are peft's. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isRegExp } from '../base/brands.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { readSafetensors, type StoredTensor } from '../checkpoint/formats/safetensors/safetensors.js'
import { writeSafetensorsFrom } from '../checkpoint/formats/safetensors/writer.js'
import { checkPath } from '../files/check-path.js'
import { readComplete } from '../files/complete-folder.js'
import { readWholeText } from '../files/read-whole.js'
import { replaceFolder } from '../files/replace-folder.js'
import type { SaveManner } from './save-manner.js'
import type { ModelSession, ParameterInfo } from './session.js'

/** Adapters for a model: W + alpha / rank · B · A in place of W. */
export type LoraOptions = {
  /** Rows of A and columns of B. */
  rank: number
  /** The change is multiplied by alpha / rank; `rank`, and so 1, by default. */
  alpha?: number
  /** Tried on open_clip's names of the blocks' projections; all of them by default: of attention and of the MLPs. */
  targets?: RegExp
  /** Draws A; B is zero. 0 by default. */
  seed?: number
}

const schema = z.strictObject({
  rank: z.int().min(1),
  alpha: z.number().positive().optional(),
  targets: z.custom<RegExp>(isRegExp, { error: 'expected a RegExp' }).optional(),
  seed: z.int().min(0).default(0),
})

/** Linear layers of the towers' blocks; embeddings, norms and the projections to the common space are none. */
const PROJECTIONS = /(attn|attention|mlp|intermediate|output)\.(.*\.)?([a-z_]*weight)$/i

export const LORA_CONFIG = 'adapter_config.json'
export const LORA_WEIGHTS = 'adapter_model.safetensors'
const BASE = 'clipwright_base'
const CLAIM = { marker: LORA_CONFIG, own: [LORA_CONFIG, LORA_WEIGHTS], disturbing: [] }
/** Of each weight that is changed; enough to know it from another model's. */
const SAMPLE = 1024

/** @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function addLora(session: ModelSession, options: LoraOptions, where = 'addLora'): void {
  const { rank, alpha = rank, targets, seed } = parseOptions(schema, options, where)
  const can = adaptable(session.parameters)
  const found = can.filter(({ info }) => targets === undefined || info.publicName.search(targets) >= 0)
  if (found.length === 0) {
    const names = can.map(({ info }) => info.publicName.replace(/\.\d+\./, '.N.'))
    throw invalid(
      `${where}: targets: ${targets} matches none of the blocks' projections: ${[...new Set(names)].join(', ')}`,
    )
  }
  session.addAdapters({ parameters: found.map(({ index }) => index), rank, alpha, seed })
}

function adaptable(parameters: readonly ParameterInfo[]): { index: number; info: ParameterInfo }[] {
  return parameters
    .map((info, index) => ({ index, info }))
    .filter(({ info }) => info.shape.length === 2 && PROJECTIONS.test(info.name))
}

/**
 * Saves adapters alone, as peft does. All reads are queued before any waits, so that no step comes between them.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT without adapters, ERR_IO, ERR_DISPOSED
 */
export async function saveLora(
  session: ModelSession,
  path: string,
  { into, again, inspect }: Omit<SaveManner, 'also'> = {},
): Promise<void> {
  const { adapters } = session
  if (!adapters) throw invalid('save: layout "lora": the model has no adapters; call addLora first')
  checkPath(path, 'save')
  const { rank, alpha } = adapters
  const tensors = adapters.parameters.flatMap((base, k) =>
    (['A', 'B'] as const).map((side, s) => {
      const index = adapters.first + 2 * k + s
      const { shape } = session.parameters[index]!
      const name = peftName(session.parameters[base]!.publicName, side)
      const memory = into?.of(name, elementCount(shape))
      const from = { index, slot: 'value', ...(memory && { into: memory }) } as const
      const values = again && memory ? Promise.resolve(memory) : session.call((native) => native.read(from))
      values.catch(() => {}) // reported by the read that waits for it
      const read = async () => {
        await inspect?.(name, await values)
        return values
      }
      return [name, { shape, dtype: 'F32' as const, read }] as const
    }),
  )
  const base = fingerprint(session, adapters.parameters)
  const targets = adapters.parameters.map((index) => moduleOf(session.parameters[index]!.publicName))
  const config = {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: null,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    target_modules: [...new Set(targets)],
  }
  await replaceFolder(path, CLAIM, async (folder) => {
    await writeFile(join(folder, LORA_CONFIG), `${JSON.stringify(config, null, 2)}\n`)
    await writeSafetensorsFrom(join(folder, LORA_WEIGHTS), tensors, { metadata: { format: 'pt', [BASE]: await base } })
  })
}

/**
 * Adds the adapters of a folder that `save` or peft wrote.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_MISMATCH whose keys name what the model has not, or when they were
 *   trained on other weights; ERR_UNSUPPORTED for kinds of adapters that change more than W + B · A
 */
export async function loadLora(session: ModelSession, path: string): Promise<void> {
  checkPath(path, 'Clip.load')
  await readComplete(path, async (folder) => {
    const { rank, alpha } = parseConfig(path, await readConfig(folder, path))
    const { tensors, metadata } = await readSafetensors(join(folder, LORA_WEIGHTS))
    const bases = adaptable(session.parameters).filter(({ info }) => peftName(info.publicName, 'A') in tensors)
    checkTensors(path, session, bases, tensors, rank)
    const before = metadata[BASE]
    const parameters = bases.map(({ index }) => index)
    if (before !== undefined && before !== (await fingerprint(session, parameters))) {
      const message = `${path}: these adapters were trained on other weights than the model's; load them over the model that they were made for.`
      throw new ClipwrightError('ERR_MISMATCH', message)
    }
    session.addAdapters({ parameters, rank, alpha, seed: 0 })
    const { first } = session.adapters!
    for (const [k, { info }] of bases.entries()) {
      for (const [s, side] of (['A', 'B'] as const).entries()) {
        const data = tensors[peftName(info.publicName, side)]!.data as Float32Array
        await session.call((native) => native.write({ index: first + 2 * k + s, slot: 'value', data }))
      }
    }
  })
}

function checkTensors(
  path: string,
  session: ModelSession,
  bases: readonly { info: ParameterInfo }[],
  tensors: Record<string, StoredTensor>,
  rank: number,
): void {
  const wanted = new Map(
    bases.flatMap(({ info }) => {
      const [out, input] = info.shape as [number, number]
      return [
        [peftName(info.publicName, 'A'), [rank, input]],
        [peftName(info.publicName, 'B'), [out, rank]],
      ] as [string, number[]][]
    }),
  )
  const keys = [
    ...Object.keys(tensors).filter((name) => !wanted.has(name)),
    ...[...wanted].filter(([name, shape]) => tensors[name]?.shape.join() !== shape.join()).map(([name]) => name),
  ]
  if (keys.length === 0 && bases.length > 0) return
  const some = keys.slice(0, 5).join(', ')
  throw Object.assign(
    new ClipwrightError(
      'ERR_MISMATCH',
      `${path} holds adapters for another model: ${keys.length} of its tensors are not those of ${session.parameters.length} parameters here, among them ${some}; load them over the model that they were made for.`,
    ),
    { keys },
  )
}

async function readConfig(folder: string, path: string): Promise<string> {
  try {
    return await readWholeText(join(folder, LORA_CONFIG))
  } catch (cause) {
    const message = `${path}: expected a folder with adapters, but it has no readable ${LORA_CONFIG}.`
    throw new ClipwrightError('ERR_NOT_FOUND', message, { cause })
  }
}

/** What else an adapter may be in peft, and must not be here. */
const PLAIN = {
  peft_type: ['LORA'],
  bias: ['none', undefined],
  use_dora: [false, undefined],
  use_rslora: [false, undefined],
  fan_in_fan_out: [false, undefined],
} as const

function parseConfig(path: string, json: string): { rank: number; alpha: number } {
  let config: Record<string, unknown>
  try {
    config = z.record(z.string(), z.unknown()).parse(JSON.parse(json))
  } catch (cause) {
    throw new ClipwrightError('ERR_FORMAT', `${path}: ${LORA_CONFIG} is not an object in JSON.`, { cause })
  }
  for (const [key, allowed] of Object.entries(PLAIN)) {
    if (allowed.some((value) => value === config[key])) continue
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${path}: ${LORA_CONFIG}: "${key}": ${JSON.stringify(config[key])} is not supported; merge the adapters with peft and load the model.`,
    )
  }
  for (const key of ['rank_pattern', 'alpha_pattern', 'modules_to_save']) {
    if (Object.keys(Object(config[key])).length === 0) continue
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${path}: ${LORA_CONFIG}: "${key}" is not supported; merge the adapters with peft and load the model.`,
    )
  }
  const shape = z.object({ r: z.int().min(1), lora_alpha: z.number().positive() }).safeParse(config)
  if (!shape.success) {
    throw new ClipwrightError('ERR_FORMAT', `${path}: ${LORA_CONFIG} needs a rank "r" and a "lora_alpha" above 0.`)
  }
  return { rank: shape.data.r, alpha: shape.data.lora_alpha }
}

/** torch's MultiheadAttention is one module to peft: its in_proj is adapted as itself, its out_proj inside. */
function peftName(publicName: string, side: 'A' | 'B'): string {
  const module = publicName
    .replace(/\.in_proj_weight$/, '')
    .replace(/\.attn\.out_proj\.weight$/, '.attn.base_layer.out_proj')
    .replace(/\.weight$/, '')
  return `base_model.model.${module}.lora_${side}.weight`
}

function moduleOf(publicName: string): string {
  return publicName.replace(/\.in_proj_weight$|\.out_proj\.weight$|\.weight$/, '')
}

/** A hash of the beginnings of the weights that are changed, as they are without the change. */
async function fingerprint(session: ModelSession, parameters: readonly number[]): Promise<string> {
  const hash = createHash('sha256')
  const reads = parameters.map((index) => {
    const count = Math.min(SAMPLE, elementCount(session.parameters[index]!.shape))
    return session.call((native) => native.read({ index, slot: 'value', first: 0, count }))
  })
  for (const values of await Promise.all(reads))
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  return hash.digest('hex')
}
