/**
 * Globals that are known to stand for plain data: what they would make is of no use to weights, so it is not made. Any
 * other global becomes a placeholder, too, but may not lie among the weights themselves.
 */

/** By module; `true` for all of its names. */
const HARMLESS: Readonly<Record<string, readonly string[] | true>> = {
  argparse: ['Namespace'],
  types: ['SimpleNamespace'],
  datetime: true,
  decimal: ['Decimal'],
  fractions: ['Fraction'],
  uuid: ['UUID'],
  pathlib: true,
  'pathlib._local': true,
  copyreg: ['_reconstructor'],
  copy_reg: ['_reconstructor'],
  builtins: [
    'complex',
    'bytearray',
    'object',
    'int',
    'float',
    'str',
    'bool',
    'bytes',
    'list',
    'tuple',
    'dict',
    'slice',
    'range',
  ],
  __builtin__: [
    'complex',
    'bytearray',
    'object',
    'int',
    'long',
    'float',
    'str',
    'unicode',
    'bool',
    'list',
    'tuple',
    'dict',
    'slice',
    'xrange',
  ],
  numpy: [
    'dtype',
    'ndarray',
    'bool_',
    'float16',
    'float32',
    'float64',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
  ],
  'numpy.dtypes': true,
  'numpy.core.multiarray': ['scalar', '_reconstruct'],
  'numpy._core.multiarray': ['scalar', '_reconstruct'],
  'numpy.core.numeric': ['_frombuffer'],
  'numpy._core.numeric': ['_frombuffer'],
  'numpy.random._pickle': true,
  'numpy.random._mt19937': ['MT19937'],
  'numpy.random._pcg64': ['PCG64', 'PCG64DXSM'],
  'numpy.random._philox': ['Philox'],
  'numpy.random._sfc64': ['SFC64'],
  'numpy.random.mtrand': ['RandomState'],
  'torch._utils': ['_rebuild_device_tensor_from_numpy', '_rebuild_device_tensor_from_cpu_tensor'],
  'torch._C': ['Generator'],
  'torch.random': ['Generator'],
}

export function isHarmless(module: string, name: string): boolean {
  const names = Object.hasOwn(HARMLESS, module) ? HARMLESS[module] : undefined
  return names === true || (names?.includes(name) ?? false)
}
