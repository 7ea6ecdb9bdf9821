/** Two checkpoints of one configuration, whatever their layouts, and what lies between them. */
import { ClipwrightError, invalid } from '../base/errors.js'
import { some } from '../base/shorten.js'
import type { HubOptions } from '../hub/settings.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { resolveModel } from '../models/resolve.js'
import { native } from '../native/addon.js'
import type { NativeModel } from '../native/model.js'
import { describeTokenizer, openTokenizer } from '../tokenizer/choice.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { elementCount } from './formats/dtypes.js'
import { isUnknownKey } from './formats/several.js'
import type { ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { readElements, requireWhole } from './load.js'
import { type Match, matchTensors } from './match.js'
import { type OpenCheckpoint, openCheckpoint } from './open.js'

/** A checkpoint, the model that was given for it because it does not say, and the key that it has. */
type Opened = OpenCheckpoint & { given?: string | ModelConfig; key?: string }

/** What two paths may leave unsaid. */
export type PairOptions = {
  /** The model of a path that does not say; by default the other's. */
  model?: string | ModelConfig | undefined
  /** Which entry holds the weights, in those of the two files that have such an entry. */
  key?: string | undefined
  /** How a path on a hub is reached. */
  hub?: HubOptions | undefined
}

/** To be closed by whoever opened it. */
export class WeightPair {
  /** Of the first one. */
  readonly description: Description
  /** The first one's model, where its path does not say which it is. */
  readonly given: string | ModelConfig | undefined
  /** The first one's, where it has it. */
  readonly key: string | undefined
  readonly model: NativeModel
  readonly tokenizer: Tokenizer
  /** In the order of a session's. */
  readonly parameters: readonly ParameterShape[]
  readonly #fits: readonly [Match['fits'], Match['fits']]
  readonly #opened: readonly [Opened, Opened]

  private constructor(
    opened: readonly [Opened, Opened],
    model: NativeModel,
    parameters: readonly ParameterShape[],
    tokenizer: Tokenizer,
  ) {
    const [first] = opened
    this.description = { config: first.config, preprocess: first.preprocess }
    this.given = first.given
    this.key = first.key
    this.model = model
    this.parameters = parameters
    this.tokenizer = tokenizer
    this.#fits = [fitsOf(opened[0], parameters), fitsOf(opened[1], parameters)]
    this.#opened = opened
  }

  /**
   * @throws ClipwrightError ERR_MISMATCH naming what differs between the two, in `keys`; ERR_INVALID_ARGUMENT for a key that
   *   neither has; what opening throws
   */
  static async open(a: string, b: string, o: PairOptions = {}): Promise<WeightPair> {
    const opened = await openBoth(a, b, o)
    try {
      if (o.key !== undefined && opened.every(({ key }) => key === undefined)) {
        throw invalid(`neither ${a} nor ${b} holds weights under the key "${o.key}"; leave it out to find them`)
      }
      const [first, second] = opened.map(({ config, preprocess }, i) => resolveModel(config, preprocess, [a, b][i]!))
      const different = differences(first!, second!)
      // Where a vocabulary lies is no difference, but what it holds.
      const [own, others] = [await openTokenizer(opened[0].tokenizer), await openTokenizer(opened[1].tokenizer)]
      if (describeTokenizer(own, 0, false) !== describeTokenizer(others, 0, false))
        different.set('tokenizer', 'of unlike vocabulary')
      requireNone(different, a, b)
      return new WeightPair(opened, first!, native().parametersOf(first!), own)
    } catch (error) {
      for (const { weights } of opened) await weights.close()
      throw error
    }
  }

  /** (1 − alpha) · a + alpha · b of one parameter. */
  async read(index: number, alpha: number): Promise<Float32Array> {
    const a = await this.#readOne(0, index)
    const b = await this.#readOne(1, index)
    for (let i = 0; i < a.length; i++) a[i] = (1 - alpha) * a[i]! + alpha * b[i]!
    return a
  }

  #readOne(which: 0 | 1, index: number): Promise<Float32Array> {
    const held = this.#fits[which].filter((fit) => fit.index === index)
    return readElements(this.#opened[which].weights, held, 0, elementCount(this.parameters[index]!.shape))
  }

  async close(): Promise<void> {
    for (const { weights } of this.#opened) await weights.close()
  }
}

/** @throws ClipwrightError ERR_MISMATCH where the weights are not those of the model */
function fitsOf({ weights, config }: Opened, parameters: readonly ParameterShape[]): Match['fits'] {
  const { names } = recogniseLayout(parameters, weights.entries, config)
  const match = matchTensors(parameters, weights.entries, names)
  requireWhole(match, weights)
  return match.fits
}

/** Of a path that does not say its model, the other's is taken. */
async function openBoth(a: string, b: string, { model, key, hub }: PairOptions): Promise<[Opened, Opened]> {
  const first = await openSaying(a, key, hub)
  try {
    const second = await openSaying(b, key, hub)
    const known = [first, second].find((one) => !(one instanceof ClipwrightError)) as Opened | undefined
    const given = model ?? known?.config
    const opened = async (one: Opened | ClipwrightError, path: string): Promise<Opened> => {
      if (!(one instanceof ClipwrightError)) return one
      if (given === undefined) throw one
      return { ...(await openKeyed(path, key, hub, given)), given }
    }
    try {
      return [await opened(first, a), await opened(second, b)]
    } catch (error) {
      if (!(second instanceof ClipwrightError)) await second.weights.close()
      throw error
    }
  } catch (error) {
    if (!(first instanceof ClipwrightError)) await first.weights.close()
    throw error
  }
}

/** The checkpoint, or the error that it does not say what it is. */
async function openSaying(
  path: string,
  key: string | undefined,
  hub: PairOptions['hub'],
): Promise<Opened | ClipwrightError> {
  try {
    return await openKeyed(path, key, hub)
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_INVALID_ARGUMENT') return error
    throw error
  }
}

/** By the key where there is such an entry; else as it is. */
async function openKeyed(
  path: string,
  key: string | undefined,
  hub: PairOptions['hub'],
  model?: string | ModelConfig,
): Promise<Opened> {
  if (key === undefined) return openCheckpoint(path, model, undefined, hub)
  try {
    return { ...(await openCheckpoint(path, model, key, hub)), key }
  } catch (error) {
    if (!isUnknownKey(error)) throw error
    return openCheckpoint(path, model, undefined, hub)
  }
}

/** What only concerns initial values, or training. */
const INITIAL =
  /^(initLogitScale|text\.bert\.(initStd|hiddenDropout|attentionDropout)|text\.bert\.projection\.init\b.*)$/

/** Keys of the resolved models, and the two values. */
function differences(first: NativeModel, second: NativeModel): Map<string, string> {
  const [p, q] = [leavesOf(first), leavesOf(second)]
  const keys = [...new Set([...p.keys(), ...q.keys()])].filter((key) => !INITIAL.test(key) && p.get(key) !== q.get(key))
  return new Map(keys.map((key) => [key, `${p.get(key) ?? 'none'} and ${q.get(key) ?? 'none'}`]))
}

function requireNone(different: ReadonlyMap<string, string>, a: string, b: string): void {
  if (different.size === 0) return
  const what = some(Array.from(different, ([key, values]) => `${key} ${values}`))
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${a} and ${b} are not of one configuration (${what}), so nothing lies between their weights; take two checkpoints of one model.`,
    { keys: [...different.keys()] },
  )
}

function leavesOf(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]])
  const leaves = Object.entries(value).map(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`))
  return new Map(leaves.flatMap((inner) => [...inner]))
}
