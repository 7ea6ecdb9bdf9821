/** The globals that a pickle of PyTorch may name and that mean something here. In place of any other is a placeholder. */
import { isSize } from '../../../base/arrays.js'
import { type Dtype, describeDtype } from '../dtypes.js'
import { COST } from './budget.js'
import {
  Callable,
  Constant,
  type Dict,
  Instance,
  isTensor,
  Storage,
  StorageType,
  TensorView,
  Tuple,
  UnreadableTensor,
  type Value,
} from './values.js'

/** Storages by class name: the element type, or where files of weights have none here, its bytes. */
const STORAGES: Readonly<Record<string, Dtype | number>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 8,
  ComplexDoubleStorage: 16,
  QUInt8Storage: 1,
  QInt8Storage: 1,
  QInt32Storage: 4,
  QUInt4x2Storage: 1,
  QUInt2x4Storage: 1,
}

/** torch.float16 and its like. */
const DTYPES: Readonly<Record<string, Dtype | undefined>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
  complex32: undefined,
  complex64: undefined,
  complex128: undefined,
  float8_e4m3fn: undefined,
  float8_e5m2: undefined,
  float8_e4m3fnuz: undefined,
  float8_e5m2fnuz: undefined,
  float8_e8m0fnu: undefined,
  float4_e2m1fn_x2: undefined,
  qint8: undefined,
  quint8: undefined,
  qint32: undefined,
  quint4x2: undefined,
  quint2x4: undefined,
  bits8: undefined,
  bits16: undefined,
  bits1x8: undefined,
  bits2x4: undefined,
  bits4x2: undefined,
}

/** Sub-byte integers, layouts, memory formats and ways to quantise: named, never called. */
const NAMES = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
  ...['strided', 'sparse_coo', 'sparse_csr', 'sparse_csc', 'sparse_bsr', 'sparse_bsc', 'jagged', '_mkldnn'],
  ...['contiguous_format', 'preserve_format', 'channels_last', 'channels_last_3d'],
  ...['per_tensor_affine', 'per_tensor_symmetric', 'per_channel_affine', 'per_channel_symmetric'],
  'per_channel_affine_float_qparams',
]

/** A tensor of more dimensions is none of a model's. */
const MAX_DIMENSIONS = 64

const known = new Map<string, Value>()

/** What `module.name` is, or undefined when it is not known to be harmless. */
export function torchGlobal(module: string, name: string): Value | undefined {
  // TorchScript's own classes. Never looked up: only their attributes are kept.
  if (module === '__torch__' || module.startsWith('__torch__.')) return scriptClass
  return known.get(`${module}.${name}`)
}

const scriptClass = new Callable('a class of TorchScript', (args) => (args.length === 0 ? new Instance() : undefined))

for (const [name, type] of Object.entries(STORAGES)) {
  const storage =
    typeof type === 'number'
      ? new StorageType(name, undefined, type)
      : new StorageType(name, type, describeDtype(type).bytes)
  for (const module of ['torch', 'torch.cuda']) known.set(`${module}.${name}`, storage)
}
const untyped = new StorageType('UntypedStorage', 'U8', 1)
for (const name of ['UntypedStorage', '_UntypedStorage', 'TypedStorage', '_TypedStorage']) {
  known.set(`torch.storage.${name}`, untyped)
}
known.set('torch.UntypedStorage', untyped)
for (const [name, dtype] of Object.entries(DTYPES)) known.set(`torch.${name}`, new Constant(name, dtype))
for (const name of NAMES) known.set(`torch.${name}`, new Constant(name, undefined))

function define(name: string, call: Callable['call']): void {
  known.set(name, new Callable(name, call))
}

define('torch._utils._rebuild_tensor', tensor)
define('torch._utils._rebuild_tensor_v2', (args, spend) => (isPlain(args[6]) ? tensor(args, spend) : undefined))
define('torch._utils._rebuild_tensor_v3', (args, spend) => {
  const [dtype, bits] = args.slice(6)
  return isPlain(bits) && dtype instanceof Constant ? tensor(args, spend, dtype) : undefined
})
for (const name of ['_utils._rebuild_parameter', '_utils._rebuild_parameter_with_state', 'nn.parameter.Parameter']) {
  define(`torch.${name}`, ([data]) => (isTensor(data) ? data : undefined))
}
define('torch.nn.parameter.Buffer', ([data]) => (isTensor(data) ? data : undefined))
// A tensor of a class of somebody's: what its own function makes, without the class.
define('torch._tensor._rebuild_from_type_v2', ([rebuild, , args], spend) =>
  rebuild instanceof Callable && args instanceof Tuple ? rebuild.call(args.items, spend) : undefined,
)
define('torch._utils._rebuild_meta_tensor_no_storage', ([, shape], spend) => unreadable('meta', shape, spend))
define('torch._utils._rebuild_qtensor', ([, , shape], spend) => unreadable('quantised', shape, spend))
define('torch._utils._rebuild_sparse_tensor', ([, parts], spend) => {
  const items = parts instanceof Tuple ? parts.items : []
  const shape = items.findLast((item) => sizesOf(item, spend) !== undefined)
  return unreadable('sparse', shape, spend)
})
define('torch._utils._rebuild_nested_tensor', (_, spend) => unreadable('nested', new Tuple([]), spend))
define('torch.serialization._get_layout', ([name]) => (typeof name === 'string' ? name : undefined))
define('torch.Size', ([sizes]) => sizes)
define('torch.device', ([type]) => (typeof type === 'string' ? type : undefined))
for (const kind of ['intlist', 'doublelist', 'boollist', 'tensorlist']) {
  define(`torch.jit._pickle.build_${kind}`, ([list]) => list)
}
define('torch.jit._pickle.restore_type_tag', ([value]) => value)
define('collections.deque', ([items]) =>
  items instanceof Tuple ? [...items.items] : Array.isArray(items) ? items : [],
)
// Its factory is never called.
define('collections.defaultdict', (_, spend) => orderedDict(undefined, spend))
define('collections.Counter', ([counts], spend) => (counts instanceof Map ? counts : orderedDict(undefined, spend)))
define('collections.OrderedDict', ([pairs], spend) => orderedDict(pairs, spend))
for (const module of ['builtins', '__builtin__']) {
  for (const name of ['set', 'frozenset']) define(`${module}.${name}`, ([items], spend) => set(items, spend))
}
// How protocol 2 has bytes: as text of their codes.
define('_codecs.encode', ([text, encoding], spend) => {
  if (typeof text !== 'string' || encoding !== 'latin1') return undefined
  spend(text.length)
  return Uint8Array.from(Buffer.from(text, 'latin1'))
})

function unreadable(
  kind: string,
  shape: Value | undefined,
  spend: (bytes: number) => void,
): UnreadableTensor | undefined {
  const sizes = sizesOf(shape, spend)
  return sizes && new UnreadableTensor(kind, sizes)
}

/** No bits that say the values are to be conjugated or negated. */
function isPlain(bits: Value | undefined): boolean {
  return bits === undefined || bits === null || (bits instanceof Map && bits.size === 0)
}

function tensor(
  [storage, offset, shape, strides]: readonly Value[],
  spend: (bytes: number) => void,
  dtype?: Constant,
): TensorView | undefined {
  const sizes = sizesOf(shape, spend)
  const steps = sizesOf(strides, spend)
  if (!(storage instanceof Storage) || !isSize(offset) || !sizes || steps?.length !== sizes.length) return undefined
  const type = dtype ?? storage.type
  return new TensorView(storage, type.dtype, type.name, offset, sizes, steps)
}

function sizesOf(value: Value | undefined, spend: (bytes: number) => void): readonly number[] | undefined {
  const items = value instanceof Tuple ? value.items : value
  if (!Array.isArray(items) || items.length > MAX_DIMENSIONS || !items.every(isSize)) return undefined
  if (value instanceof Tuple) return items
  // A list may change after it was looked at.
  spend(items.length * COST.element)
  return [...items]
}

function orderedDict(pairs: Value | undefined, spend: (bytes: number) => void): Dict | undefined {
  spend(COST.dict)
  const dict: Dict = new Map()
  if (pairs === undefined) return dict
  if (!Array.isArray(pairs)) return undefined
  for (const pair of pairs) {
    const items = pair instanceof Tuple ? pair.items : pair
    if (!Array.isArray(items) || items.length !== 2) return undefined
    spend(2 * COST.entry)
    dict.set(items[0], items[1])
  }
  return dict
}

function set(items: Value | undefined, spend: (bytes: number) => void): Set<Value> | undefined {
  spend(COST.dict)
  if (items === undefined) return new Set()
  if (!Array.isArray(items)) return undefined
  spend(items.length * COST.entry)
  return new Set(items)
}
