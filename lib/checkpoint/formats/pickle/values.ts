/** What a pickle of PyTorch may build here. Nothing of it does anything. */
import type { Dtype } from '../dtypes.js'

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Tuple
  | Dict
  | Set<Value>
  | Callable
  | Constant
  | StorageType
  | Instance
  | Storage
  | Tensor
  | Placeholder

/** A dict or an OrderedDict, by the values of its keys; keys that are objects count by identity. */
export type Dict = Map<Value, Value>

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A global that a pickle may call. */
export class Callable {
  /** @param call undefined where the arguments do not fit */
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], spend: (bytes: number) => void) => Value | undefined,
  ) {}
}

/** A global that only is: an element type such as torch.float16. */
export class Constant {
  constructor(
    readonly name: string,
    readonly dtype: Dtype | undefined,
  ) {}
}

/** What a storage holds: torch.HalfStorage and its like. */
export class StorageType {
  constructor(
    readonly name: string,
    /** Undefined where files of weights have no such type here, as for complex numbers. */
    readonly dtype: Dtype | undefined,
    /** Bytes of the element in which its size is counted. */
    readonly elementBytes: number,
  ) {}
}

/** A tensor whose values are kept in a way that files of weights do not have here: sparse, quantised, without any. */
export class UnreadableTensor {
  constructor(
    /** `sparse`, for messages. */
    readonly kind: string,
    readonly shape: readonly number[],
  ) {}
}

/**
 * In place of what only code could give: a global that is not known here, what calling it would give, and what that
 * would make of its state. Nothing of it is run, looked up or kept.
 */
export class Placeholder {
  constructor(
    /** The global that it stems from: `argparse.Namespace`. */
    readonly name: string,
    /** Known to be nothing but data, so that it may lie among weights. */
    readonly isHarmless: boolean,
  ) {}
}

const NO_ATTRIBUTES: ReadonlyMap<Value, Value> = new Map()

/** An object of TorchScript's own classes: a map of attributes, whatever the class would do. */
export class Instance {
  /** Replaced, never changed. */
  attributes: ReadonlyMap<Value, Value> = NO_ATTRIBUTES
}

/** Elements that lie elsewhere in the file. */
export class Storage {
  constructor(
    readonly key: string,
    readonly type: StorageType,
    /** In elements of the type, as the whole storage has. */
    readonly elements: number,
    /** The part that this is, in elements of the type: old streams store views of storages. */
    readonly part: { offset: number; elements: number },
  ) {}
}

/** A tensor: some of a storage's elements in some order. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    /** Undefined for types that files of weights do not have here. */
    readonly dtype: Dtype | undefined,
    /** What the type is called there. */
    readonly typeName: string,
    /** All in elements of `dtype`. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Containers in each other that are looked into for code. */
const MAX_LOOK = 3

/** What only code could give, in a value or the containers that it is; plain data's placeholders do not count. */
export function findCode(
  value: Value | undefined,
  spend: (bytes: number) => void,
  depth = MAX_LOOK,
): Placeholder | undefined {
  spend(0)
  if (value instanceof Placeholder) return value.isHarmless ? undefined : value
  if (depth === 0) return undefined
  for (const item of contents(value)) {
    const found = findCode(item, spend, depth - 1)
    if (found) return found
  }
  return undefined
}

function contents(value: Value | undefined): Iterable<Value> {
  if (value instanceof Tuple) return value.items
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  return Array.isArray(value) || value instanceof Set ? value : []
}

export type Tensor = TensorView | UnreadableTensor

export const isTensor = (value: Value | undefined): value is Tensor =>
  value instanceof TensorView || value instanceof UnreadableTensor
