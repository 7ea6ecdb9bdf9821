import { describe, expect, it } from 'vitest'
import { exportsUntil, isNewer } from '../../scripts/setup/glibc.mjs'

const listing = `
libc.so.6:     file format elf64-x86-64

DYNAMIC SYMBOL TABLE:
0000000000000000      DF *UND*\t0000000000000000 (GLIBC_PRIVATE) _dl_exception_create
0000000000000000  w   D  *UND*\t0000000000000000  Base        _ITM_registerTMCloneTable
0000000000000000 g    DO *ABS*\t0000000000000000  GLIBC_2.34  GLIBC_2.34
0000000000084330 g    DF .text\t0000000000000088  GLIBC_2.34  dlopen
0000000000084330 g    DF .text\t0000000000000088 (GLIBC_2.2.5) dlopen
0000000000099b70 g   iDF .text\t00000000000000de  GLIBC_2.14  memcpy
00000000000997c0 g   iD  .text\t00000000000000d7 (GLIBC_2.2.5) memcpy
00000000001d5320  w   DO .bss\t0000000000000008  GLIBC_2.2.5 environ
0000000000042010 g    DF .text\t0000000000000099  GLIBC_2.36  arc4random
00000000001da8c8 g    DO .bss\t0000000000000001  GLIBC_2.32  __libc_single_threaded
`

describe('what an older glibc exports', () => {
  it('has each symbol once, under the newest version that it knows, and nothing newer', () => {
    const byVersion = exportsUntil('2.28', listing)
    expect(Object.fromEntries(byVersion)).toEqual({
      '2.2.5': [
        { symbol: 'dlopen', type: 'function', size: 0x88 },
        { symbol: 'environ', type: 'object', size: 8 },
      ],
      '2.14': [{ symbol: 'memcpy', type: 'function', size: 0xde }],
    })
  })

  it('compares versions by their numbers', () => {
    expect(isNewer('2.14', '2.2.5')).toBe(true)
    expect(isNewer('2.2.5', '2.2')).toBe(true)
    expect(isNewer('2.28', '2.28')).toBe(false)
    expect(isNewer('2.9', '2.28')).toBe(false)
    expect(isNewer('3.0', '2.28')).toBe(true)
    expect(isNewer('2.2', '2.2.5')).toBe(false)
  })
})
