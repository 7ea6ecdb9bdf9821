/** Finds a model's tensors in what a pickle built: a state dict, bare or in a checkpoint, or the attributes of a script. */
import type { ClipwrightError } from '../../../base/errors.js'
import { ambiguous, unknownKey } from '../several.js'
import { quote } from '../weight-file.js'
import { COST } from './budget.js'
import { type Dict, findCode, Instance, isTensor, type Tensor, type Value } from './values.js'

/** Where checkpoints keep the state dict, in the order in which they are tried; they may lie in each other. */
const KEYS = ['state_dict', 'model_state_dict', 'model', 'module']
/** Averages of weights: never taken unasked. */
const AVERAGE = /(^|[._])(ema|averaged?|swa)($|[._])/i
/** Tensors that are no weights. */
const NO_WEIGHTS = /optim|sched|scaler|(^|_)(rng|random|amp)($|_)/i
/** Dicts in dicts, in which weights are looked for. */
const MAX_NESTING = 3
/** Modules in modules; a script's may refer to itself. */
const MAX_DEPTH = 50

export type Context = {
  /** Of the file, for messages. */
  path: string
  /** Which entry holds the weights; dots go deeper. */
  key: string | undefined
  /** Counts what is visited: shared objects may make a small file a large tree. */
  spend(bytes: number): void
  malformed(problem: string): ClipwrightError
  unsafe(wanted: string): ClipwrightError
}

/**
 * @throws ClipwrightError ERR_UNSAFE when only code could give the state dict or a part of it; ERR_FORMAT when there are no tensors, ERR_MISMATCH when there is more than one place where they
 *   could be, ERR_INVALID_ARGUMENT for a key that leads to none
 */
export function findStateDict(root: Value, context: Context): Map<string, Tensor> {
  const { key, path } = context
  const found = key === undefined ? root : at(root, key)
  const tensors = new Map<string, Tensor>()
  refuseCode(found, context, 0)
  if (found instanceof Instance) collect(found, '', 0, tensors, context)
  else if (found instanceof Map) {
    for (const [name, value] of stateDictIn(found, context)) {
      refuseCode(name, context)
      refuseCode(value, context)
      if (typeof name !== 'string' || !isTensor(value)) continue
      context.spend(COST.tensor)
      tensors.set(name, value)
    }
  }
  if (tensors.size > 0) return tensors
  if (key !== undefined) throw unknownKey(path, key, root instanceof Map ? [...candidates(root, context).keys()] : [])
  throw context.malformed('it holds no state dict, only other values')
}

/** The value under a key; a key that has dots itself goes before one in another. */
function at(value: Value, key: string): Value | undefined {
  if (!(value instanceof Map) && !(value instanceof Instance)) return undefined
  const entries = value instanceof Instance ? value.attributes : value
  if (entries.has(key)) return entries.get(key)
  for (let dot = key.indexOf('.'); dot > 0; dot = key.indexOf('.', dot + 1)) {
    const inner = at(entries.get(key.slice(0, dot)) ?? null, key.slice(dot + 1))
    if (inner !== undefined) return inner
  }
  return undefined
}

function stateDictIn(root: Dict, context: Context): Dict {
  const all = candidates(root, context)
  const usual = KEYS.flatMap((key) => {
    const under = [...all].filter(([path]) => path.split('.').every((part) => KEYS.includes(part)) && path !== '')
    return under.filter(([path]) => path.split('.')[0] === key)
  })
  // Several in one wrapper are as good as each other; of several wrappers the first is meant.
  const first = usual.filter(([path]) => path.split('.')[0] === usual[0]![0].split('.')[0])
  const base = context.key === undefined ? '' : `${context.key}.`
  if (first.length > 1)
    throw ambiguous(
      context.path,
      first.map(([path]) => base + path),
    )
  if (first[0]) return first[0][1]
  const whole = all.get('')
  if (whole) return whole
  const [only, ...more] = all
  if (only && more.length === 0 && !AVERAGE.test(only[0])) return only[1]
  if (only)
    throw ambiguous(
      context.path,
      [...all.keys()].map((path) => base + path),
    )
  // Nothing but weights that code would have to make, such as a whole module.
  for (const value of root.values()) refuseCode(value, context)
  if (context.key !== undefined) return new Map()
  const keys = [...root].slice(0, 10).map(([key]) => (typeof key === 'string' ? quote(key) : `a ${typeof key}`))
  throw context.malformed(
    `no tensors lie under any of its keys (${keys.join(', ')}${root.size > 10 ? ', …' : ''}), none of which is ${KEYS.join(' or ')}`,
  )
}

/** Dicts that hold tensors, by the keys that lead to them with dots between; '' is the dict itself. */
function candidates(root: Dict, context: Context): Map<string, Dict> {
  const found = new Map<string, Dict>()
  const visit = (dict: Dict, path: string, depth: number) => {
    const isOne = hasTensors(dict, context)
    if (isOne) found.set(path, dict)
    if (depth === MAX_NESTING || (isOne && depth > 0)) return
    for (const [key, value] of dict) {
      context.spend(COST.operation)
      if (typeof key !== 'string' || !(value instanceof Map) || NO_WEIGHTS.test(key)) continue
      visit(value, path === '' ? key : `${path}.${key}`, depth + 1)
    }
  }
  visit(root, '', 0)
  return found
}

function hasTensors(dict: Dict, { spend }: Context): boolean {
  for (const [name, value] of dict) {
    spend(COST.operation)
    if (typeof name === 'string' && isTensor(value)) return true
  }
  return false
}

function collect(
  { attributes }: Instance,
  prefix: string,
  depth: number,
  into: Map<string, Tensor>,
  context: Context,
): void {
  if (depth > MAX_DEPTH) throw context.malformed(`its modules lie more than ${MAX_DEPTH} deep in each other`)
  for (const [key, value] of attributes) {
    context.spend(COST.element)
    if (typeof key !== 'string') continue
    const name = prefix + key
    refuseCode(value, context)
    if (value instanceof Instance) collect(value, `${name}.`, depth + 1, into, context)
    else if (isTensor(value)) {
      context.spend(COST.tensor + name.length)
      into.set(name, value)
    }
  }
}

/**
 * Refuses what only code could give where weights are.
 * @param depth how many containers in each other are looked into
 */
function refuseCode(value: Value | undefined, { spend, unsafe }: Context, depth?: number): void {
  const code = findCode(value, spend, depth)
  if (code) throw unsafe(`the global ${quote(code.name)}`)
}
