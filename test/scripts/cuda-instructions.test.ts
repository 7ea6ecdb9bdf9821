import { describe, expect, it } from 'vitest'
import { instructionViolations, parseSass } from '../../scripts/cuda/instructions.mjs'

const SUM = '_ZN2cw45_GLOBAL__N__5323af96_12_attention_cu_2d9fafc316attention_kernelINS_4bf16ELi64EEEvNS0_7ForwardIT_EE'
const WIDE = SUM.replace('Li64E', 'Li128E')

const code = (...lines: string[]) =>
  lines
    .map((line, i) => {
      const address = (16 * i).toString(16).padStart(4, '0')
      return `        /*${address}*/                   ${line.padEnd(54)} /* 0x00000a00ff017b82 */\n${' '.repeat(90)}/* 0x000fe20000000800 */\n`
    })
    .join('')

/** As `cuobjdump -sass` writes it: two loops, the end, a rare path behind it that goes back, and padding. */
const sass = (symbol: string, products = ['HMMA.16816.F32.BF16 R4, R8, R12, R4 ;']) => `
Fatbin elf code:
================
arch = sm_90
code version = [1,8]
host = linux
compile_size = 64bit
compressed

	code for sm_90
		Function : ${symbol}
	.headerflags	@"EF_CUDA_TEXMODE_UNIFIED EF_CUDA_64BIT_ADDRESS EF_CUDA_SM90 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM90)"
${code(
  'LDC R1, c[0x0][0x28] ;',
  'ISETP.GE.AND P0, PT, R0, UR4, PT ;',
  '@P0 EXIT ;',
  'LDSM.16.M88.4 R8, [R2] ;',
  '@!P1 BRA 0x30 ;',
  ...products,
  'HFMA2.MMA R5, -RZ, RZ, 0, 0 ;', // no tensor core's
  '@P1 BRA 0xc0 ;',
  'IADD3 R3, R3, 0x1, RZ ;',
  '@!P2 BRA 0x50 ;',
  'STG.E [R2.64], R4 ;',
  'EXIT ;',
  'MUFU.EX2 R4, R4 ;',
  'BRA 0x20 ;',
  'BRA 0xe0;',
  'NOP;',
  'NOP;',
)}		..........
`

const row = { kernel: 'attention_kernel', template: 'INS_4bf16ELi64E', what: 'bf16, heads of 64', why: 'its products' }
const bounds = { instructions: 15, loop: 5, tensor: 1 }
const violations = (text: string, more: object = {}) =>
  instructionViolations(parseSass(text), [{ ...row, ...bounds, ...more }], 'sm_90')

describe('the count of instructions', () => {
  it('counts a kernel, its longest loop, and what multiplies in it; no padding, no way back from a rare path', () => {
    expect([...parseSass(sass(SUM) + sass(WIDE))]).toEqual([
      [SUM, { kernel: 'attention_kernel', instructions: 15, loop: 5, tensor: 1 }],
      [WIDE, { kernel: 'attention_kernel', instructions: 15, loop: 5, tensor: 1 }],
    ])
  })

  it('finds no loop in a kernel without one', () => {
    const text = sass(SUM).replaceAll(/@!P\d BRA/g, 'ISETP')
    expect(parseSass(text).get(SUM)).toMatchObject({ loop: 0, tensor: 0 })
  })

  it('accepts what keeps to the bounds', () => {
    expect(violations(sass(WIDE) + sass(SUM))).toEqual([])
  })

  it('names kernel, instance, architecture, what was found and what is allowed', () => {
    const longer = sass(SUM, ['FMUL R4, R4, R4 ;', 'HMMA.16816.F32.BF16 R4, R8, R12, R4 ;'])
    expect(violations(longer)).toEqual([
      'attention_kernel (bf16, heads of 64) on sm_90: 16 instructions, 15 allowed',
      'attention_kernel (bf16, heads of 64) on sm_90: 6 instructions in its loop, 5 allowed',
    ])
    expect(violations(sass(SUM, ['FFMA R4, R8, R12, R4 ;']))).toEqual([
      expect.stringMatching(/: 0 products of tensor cores in its loop, at least 1 expected$/),
    ])
  })

  it('misses an instance, and what a row does not say', () => {
    expect(violations(sass(WIDE))).toEqual([
      expect.stringMatching(/the library has no such instance: INS_4bf16ELi64E$/),
    ])
    expect(violations(sass(SUM), { why: '', loop: undefined })).toEqual([
      'attention_kernel (bf16, heads of 64) on sm_90 has a row of instructions without loop, why',
    ])
  })
})
