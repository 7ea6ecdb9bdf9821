/** Tar archives for tests, in all the forms that are met, bytes as the standards say. */

export type Entry = {
  name: string
  data?: Buffer | string
  /** '0' by default; 'x', 'g', 'L', 'S', '2' and so on. */
  type?: string
  /** In place of the length of `data`. */
  size?: number
  /** Changes the header before its checksum is made. */
  change?: (header: Buffer) => void
}

const BLOCK = 512

export function entry({ name, data = '', type = '0', size, change }: Entry): Buffer {
  const bytes = Buffer.from(data as string)
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0001750\0', 108)
  header.write('0001750\0', 116)
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write(type, 156)
  header.write('ustar\0', 257)
  header.write('00', 263)
  change?.(header)
  header.fill(' ', 148, 156)
  const sum = header.reduce((a, b) => a + b, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)])
}

/** With the two empty blocks at its end. */
export function tar(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(entry), Buffer.alloc(2 * BLOCK)])
}

/** A pax header for the entry that follows. */
export function pax(records: Record<string, string>, type: 'x' | 'g' = 'x'): Entry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`)
    let length = rest + 1
    while (String(length).length + rest !== length) length++
    return `${length} ${key}=${value}\n`
  })
  return { name: 'PaxHeaders/x', type, data: lines.join('') }
}

/** GNU's header of a long name for the entry that follows. */
export function longName(name: string): Entry {
  return { name: '././@LongLink', type: 'L', data: `${name}\0`, change: (h) => void h.write('ustar  \0', 257) }
}
