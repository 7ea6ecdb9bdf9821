/** The optional package clipwright-cuda. What needs a CUDA build (`npm run build:cuda`) is skipped without one. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cudaLibrary } from '../../scripts/build-cuda.mjs'
import { cudaPackage, fillCudaPackage } from '../../scripts/prebuilds-cuda.mjs'

const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

describe('clipwright-cuda', () => {
  it('belongs to this version of clipwright, on the platform of its library', () => {
    const { version } = manifest('.')
    expect(manifest(cudaPackage)).toMatchObject({
      version,
      peerDependencies: { clipwright: version },
      os: ['linux'],
      cpu: ['x64'],
    })
  })

  describe.skipIf(!existsSync(cudaLibrary))('of a CUDA build', () => {
    it('packs the library and its licences, and nothing else', () => {
      fillCudaPackage()
      const output = execFileSync('npm', ['pack', '--json', '--dry-run'], { cwd: cudaPackage, stdio: 'pipe' })
      const [packed] = JSON.parse(output.toString()) as [{ size: number; files: { path: string }[] }]
      expect(packed.files.map(({ path }) => path).sort()).toEqual([
        'LICENSE',
        'README.md',
        'THIRD_PARTY_NOTICES.md',
        'clipwright_cuda.so',
        'licenses/NVIDIA-CUDA-EULA.txt',
        'package.json',
      ])
      expect(packed.size).toBeLessThan(20e6)
    })

    it('holds a library that this build of the addon takes for its own', () => {
      fillCudaPackage()
      const env = { ...process.env, CLIPWRIGHT_CUDA_LIBRARY: join(cudaPackage, 'clipwright_cuda.so') }
      const told = execFileSync(process.execPath, ['dist/cli/main.js', 'doctor', '--json'], { env })
      expect(JSON.parse(told.toString()).cuda.problem ?? '').not.toMatch(/does not load|another version/)
    })
  })
})
