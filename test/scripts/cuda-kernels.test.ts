import { describe, expect, it } from 'vitest'
import { kernelViolations, mostByKernel, parseResourceUsage } from '../../scripts/cuda/kernels.mjs'

const SCALE = '_ZN2cw39_GLOBAL__N__78d4fb4e_11_elements_cu_31e12scale_kernelIfEEvNS_4ViewIT_EE'
const SUM = '_ZN2cw39_GLOBAL__N__78d4fb4e_11_elements_cu_31e10sum_kernelEPf'

const header = (kind: string, arch: string) =>
  `\nFatbin ${kind} code:\n================\narch = ${arch}\ncode version = [1,8]\nhost = linux\ncompressed\n`
const usage = (symbol: string, registers: number, stack: number) =>
  ` Function ${symbol}:\n  REG:${registers} STACK:${stack} SHARED:0 LOCAL:0 CONSTANT[0]:364 TEXTURE:0 SURFACE:0 SAMPLER:0\n`
const cubin = (arch: string, ...functions: string[]) =>
  `${header('elf', arch)}\nResource usage:\n Common:\n  GLOBAL:0\n${functions.join('')}`

/** As `cuobjdump -res-usage` writes it: the code that the link adds, which holds nothing, comes first. */
const library = (
  { on80 = [usage(SCALE, 40, 0), usage(SUM, 8, 0)], on120 = [usage(SCALE, 64, 0), usage(SUM, 9, 0)] } = {},
  ptx = 'sm_120',
) => cubin('sm_80') + cubin('sm_80', ...on80) + header('ptx', ptx) + cubin('sm_120', ...on120)

const table = { default: { registers: 64, stack: 0 }, kernels: {} }
const violations = (text: string, bounds: object = table) =>
  kernelViolations(parseResourceUsage(text), ['sm_80', 'sm_120'], bounds)

describe('the check of compiled kernels', () => {
  it('reads names, registers and stack of every architecture', () => {
    const { cubins, ptx } = parseResourceUsage(library())
    expect(ptx).toEqual(['sm_120'])
    expect([...cubins.keys()]).toEqual(['sm_80', 'sm_120'])
    expect(cubins.get('sm_80').get(SCALE)).toEqual({ kernel: 'scale_kernel', registers: 40, stack: 0 })
    expect(mostByKernel({ cubins })).toEqual([
      { kernel: 'scale_kernel', registers: 64, stack: 0 },
      { kernel: 'sum_kernel', registers: 9, stack: 0 },
    ])
  })

  it('accepts what keeps to the bounds', () => {
    expect(violations(library())).toEqual([])
  })

  it('names kernel, architecture, what was found and what is allowed when registers are spilled', () => {
    const spilled = library({ on80: [usage(SCALE, 40, 16), usage(SUM, 8, 0)] })
    expect(violations(spilled)).toEqual([
      expect.stringMatching(/^scale_kernel on sm_80: 16 bytes of stack.* 0 allowed/),
    ])
    const many = library({ on120: [usage(SCALE, 40, 0), usage(SUM, 65, 0)] })
    expect(violations(many)).toEqual([expect.stringMatching(/^sum_kernel on sm_120: 65 registers, 64 allowed/)])
  })

  it('tells of each kernel the instance that takes the most', () => {
    const half = SCALE.replace('IfE', 'IDhE')
    const spilled = library({ on80: [usage(SCALE, 40, 16), usage(half, 40, 24), usage(SUM, 8, 0)] })
    expect(violations(spilled)).toContainEqual(expect.stringMatching(/^scale_kernel on sm_80: 24 .*IDhE/))
  })

  it('takes the rows of the table for what they name, with a reason, and no others', () => {
    const spilled = library({ on80: [usage(SCALE, 200, 16), usage(SUM, 8, 0)] })
    const row = { registers: 200, stack: 16, why: 'its accumulators' }
    expect(violations(spilled, { ...table, kernels: { scale_kernel: row } })).toEqual([])
    const tight = { ...table, kernels: { scale_kernel: { ...row, registers: 199 } } }
    expect(violations(spilled, tight)).toEqual([expect.stringContaining('200 registers, 199 allowed')])
    const silent = { ...table, kernels: { scale_kernel: { registers: 200, stack: 16 }, gone_kernel: row } }
    expect(violations(spilled, silent)).toEqual([
      expect.stringContaining('scale_kernel has a row in the table that does not say why'),
      expect.stringContaining('the library has no such kernel'),
    ])
  })

  it('misses an architecture, a kernel of one, and PTX', () => {
    expect(violations(cubin('sm_80', usage(SUM, 8, 0)) + header('ptx', 'sm_120'))).toEqual([
      'no kernels for sm_120: found sm_80',
    ])
    expect(violations(library({ on120: [usage(SUM, 8, 0)] }))).toEqual([
      expect.stringMatching(/^scale_kernel .* is missing for sm_120$/),
    ])
    expect(violations(cubin('sm_80') + header('ptx', 'sm_120') + cubin('sm_120', usage(SUM, 8, 0)))).toEqual([
      expect.stringContaining('the code for sm_80 holds no kernel'),
    ])
    expect(violations(library({}, 'sm_80'))).toEqual(['no PTX of sm_120 for later cards: found sm_80'])
  })
})
