import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { OPCODES } from '../../../../lib/checkpoint/formats/pickle/opcodes.js'
import { openTorchFile } from '../../../../lib/checkpoint/formats/pickle/torch-file.js'
import { fuzz, fuzzTimeout, pick, type Random } from '../../../fuzz/fuzz.js'
import { mutateBytes } from '../../../fuzz/mutations.js'
import { archive, zip } from './assemble.js'

const golden = (name: string) => fileURLToPath(new URL(`../../../goldens/pickle/${name}`, import.meta.url))
const NAMES = ['state.pth', 'checkpoint.pt', 'script.pt', 'legacy.pth', 'protocol4.pt']
const OPS = [...OPCODES.keys()].filter((opcode) => OPCODES[opcode])

/** The archive's pickle, where most of the harm should fall: [from, to) in bytes. */
function pickleIn(file: Buffer): [number, number] {
  const name = file.indexOf('data.pkl')
  return name < 0 ? [0, Math.min(3000, file.length)] : [name + 8, name + 3000]
}

/** A few opcodes changed, in the file or in an archive that is right around its pickle. */
function mutateOpcodes(file: Buffer, [from, to]: [number, number], random: Random): Buffer {
  const bytes = Buffer.from(file)
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    bytes[from + random.below(Math.min(to, bytes.length) - from)] = pick(random, OPS)
  }
  return random.below(2) === 0 ? bytes : zip(archive(bytes.subarray(from, to), { '0': Buffer.alloc(64) }))
}

it(
  'a damaged PyTorch file is read or refused',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    try {
      const path = join(folder, 'x.pt')
      const originals = await Promise.all(NAMES.map((name) => readFile(golden(name))))
      await fuzz('PyTorch', { codes: ['ERR_FORMAT', 'ERR_UNSAFE', 'ERR_UNSUPPORTED'] }, async (random) => {
        const original = pick(random, originals)
        const head = pickleIn(original)
        const isBytes = random.below(2) === 0
        await writeFile(path, isBytes ? mutateBytes(original, random, head) : mutateOpcodes(original, head, random))
        const file = await openTorchFile(path)
        try {
          for (const [name, { dtype, shape }] of file.entries) {
            const tensor = await file.read(name)
            expect({ dtype: tensor.dtype, shape: tensor.shape }).toEqual({ dtype, shape })
            expect(tensor.data.length).toBe(shape.reduce((a, b) => a * b, 1))
          }
        } finally {
          await file.close()
        }
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)
