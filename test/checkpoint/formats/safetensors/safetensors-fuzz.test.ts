import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSafetensors, writeSafetensors } from '../../../../lib/checkpoint/formats/safetensors/safetensors.js'
import { fuzz, fuzzTimeout } from '../../../fuzz/fuzz.js'
import { mutateBytes } from '../../../fuzz/mutations.js'

it(
  'a damaged safetensors file is read whole or refused',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    try {
      const path = join(folder, 'x.safetensors')
      await writeSafetensors(
        path,
        {
          weight: { shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i) },
          half: { shape: [5], data: new Float32Array(5), dtype: 'F16' },
          ids: { shape: [2, 1], data: BigInt64Array.of(1n, 2n) },
          empty: { shape: [0], data: new Uint8Array(0) },
        },
        { metadata: { format: 'pt' } },
      )
      const original = await readFile(path)
      const headerEnd = 8 + Number(original.readBigUInt64LE())
      await fuzz('safetensors', { codes: ['ERR_FORMAT'] }, async (random) => {
        await writeFile(path, mutateBytes(original, random, [8, headerEnd]))
        const { tensors, metadata } = await readSafetensors(path)
        for (const { shape, data } of Object.values(tensors)) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1))
        }
        for (const value of Object.values(metadata)) expect(value).toBeTypeOf('string')
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)
