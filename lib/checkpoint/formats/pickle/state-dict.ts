/** Finds a model's tensors in what a pickle built: a state dict, bare or in a checkpoint, or the attributes of a script. */
import type { ClipwrightError } from '../../../base/errors.js'
import { quote } from '../weight-file.js'
import { COST } from './budget.js'
import { type Dict, Instance, TensorView, type Value } from './values.js'

/** Where checkpoints keep the state dict, in the order in which they are tried. */
const KEYS = ['state_dict', 'model_state_dict', 'model', 'module']
/** What wrappers put before every name: DistributedDataParallel and torch.compile. */
const WRAPPERS = ['module.', '_orig_mod.']
const MAX_WRAPPERS = 3
/** Modules in modules; a script's may refer to itself. */
const MAX_DEPTH = 50

export type Context = {
  /** Counts what is visited: shared objects may make a small file a large tree. */
  spend(bytes: number): void
  malformed(problem: string): ClipwrightError
}

/** @throws ClipwrightError ERR_FORMAT when there are no tensors, or more than one place where they could be */
export function findStateDict(root: Value, context: Context): Map<string, TensorView> {
  const tensors = new Map<string, TensorView>()
  if (root instanceof Instance) collect(root, '', 0, tensors, context)
  else if (root instanceof Map) {
    for (const [name, value] of stateDictIn(root, context)) {
      if (typeof name !== 'string' || !(value instanceof TensorView)) continue
      context.spend(COST.tensor)
      tensors.set(name, value)
    }
  }
  if (tensors.size === 0) throw context.malformed('it holds no state dict, only other values')
  return withoutWrappers(tensors)
}

function stateDictIn(root: Dict, context: Context): Dict {
  for (const key of KEYS) {
    const value = root.get(key)
    if (value instanceof Map && hasTensors(value, context)) return value
  }
  if (hasTensors(root, context)) return root
  const places = [...root].filter(([, value]) => value instanceof Map && hasTensors(value, context))
  if (places.length === 1) return places[0]![1] as Dict
  const found = places.length > 0 ? places : [...root]
  const keys = found.slice(0, 10).map(([key]) => (typeof key === 'string' ? quote(key) : `a ${typeof key}`))
  const which = places.length > 0 ? 'tensors lie under several of its keys' : 'no tensors lie under any of its keys'
  throw context.malformed(
    `${which} (${keys.join(', ')}${found.length > 10 ? ', …' : ''}), none of which is ${KEYS.join(' or ')}`,
  )
}

function hasTensors(dict: Dict, { spend }: Context): boolean {
  for (const [name, value] of dict) {
    spend(COST.operation)
    if (typeof name === 'string' && value instanceof TensorView) return true
  }
  return false
}

function collect(
  { attributes }: Instance,
  prefix: string,
  depth: number,
  into: Map<string, TensorView>,
  context: Context,
): void {
  if (depth > MAX_DEPTH) throw context.malformed(`its modules lie more than ${MAX_DEPTH} deep in each other`)
  for (const [key, value] of attributes) {
    context.spend(COST.element)
    if (typeof key !== 'string') continue
    const name = prefix + key
    if (value instanceof Instance) collect(value, `${name}.`, depth + 1, into, context)
    else if (value instanceof TensorView) {
      context.spend(COST.tensor + name.length)
      into.set(name, value)
    }
  }
}

/** Without what all names begin with, where it comes from wrappers around the model. */
function withoutWrappers(tensors: Map<string, TensorView>): Map<string, TensorView> {
  let prefix = ''
  for (let i = 0; i < MAX_WRAPPERS; i++) {
    const next = WRAPPERS.find((wrapper) => [...tensors.keys()].every((name) => name.startsWith(prefix + wrapper)))
    if (next === undefined) break
    prefix += next
  }
  return prefix === '' ? tensors : new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}
