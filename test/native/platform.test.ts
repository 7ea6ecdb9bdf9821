import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { thisPlatform, whyElsewhere, whyForbidden, whyUnsupported } from '../../lib/native/platform.js'

const packageRoot = mkdtempSync(join(tmpdir(), 'clipwright-platform-'))
mkdirSync(join(packageRoot, 'prebuilds/linux-x64'), { recursive: true })
const debian12 = { platform: 'linux', arch: 'x64', glibc: '2.36' }

describe('the platforms that the prebuilt binary fits', () => {
  it.each([debian12, { ...debian12, glibc: '2.28' }, { ...debian12, glibc: '3.0' }])('takes %j', (platform) => {
    expect(whyUnsupported(packageRoot, platform)).toBeUndefined()
  })

  it.each([
    [{ ...debian12, platform: 'darwin', arch: 'arm64' }, 'this is darwin-arm64'],
    [{ ...debian12, platform: 'win32', glibc: undefined }, 'this is win32-x64'],
    [{ ...debian12, arch: 'arm64' }, 'this is linux-arm64'],
    [{ ...debian12, glibc: '2.27' }, 'this system has glibc 2.27'],
    [{ ...debian12, glibc: '2.9' }, 'this system has glibc 2.9'],
    [{ ...debian12, glibc: '1.40' }, 'this system has glibc 1.40'],
    [{ ...debian12, glibc: undefined }, 'another C library (Alpine has musl)'],
  ])('refuses %j in one sentence that says what to do', (platform, found) => {
    const reason = whyUnsupported(packageRoot, platform)
    expect(reason).toContain(found)
    expect(reason).toMatch(/^clipwright.*"npm run build"\.$/)
    expect(reason).not.toContain('\n')
  })

  it('misses the binary of an incomplete package', () => {
    const elsewhere = join(packageRoot, 'elsewhere')
    expect(whyUnsupported(elsewhere, debian12)).toMatch(
      /^clipwright's package is incomplete .*elsewhere\/prebuilds\/linux-x64\): install it again; .*\.$/,
    )
  })

  it('has a sentence of its own for code that a bundler took away, and for the permission model', () => {
    expect(whyElsewhere(fileURLToPath(new URL('../..', import.meta.url)))).toBeUndefined()
    expect(whyElsewhere(packageRoot)).toMatch(/^clipwright's code runs outside of its package .* as external\).*\.$/)
    const ran = spawnSync(
      process.execPath,
      ['--experimental-permission', '--allow-fs-read=*', '--no-warnings', 'dist/cli/main.js', 'doctor'],
      { encoding: 'utf8' },
    )
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/permission model does not let it load: start node with --allow-addons, too\.\n$/)
    expect(whyForbidden(new Error('anything else'))).toBeUndefined()
  })

  it('knows this machine', () => {
    expect(thisPlatform()).toMatchObject({ platform: process.platform, arch: process.arch })
  })
})
