// Which machines the prebuilt binary fits, and the one sentence for the others.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

// The floor is set by libgomp, which is shipped beside the addon.
const minGlibc = [2, 34]

/** What this machine is: tests pass another one. */
export function thisPlatform() {
  return {
    platform: process.platform,
    arch: process.arch,
    // Undefined where the C library is not glibc (Alpine has musl).
    glibc: process.report?.getReport().header.glibcVersionRuntime,
  }
}

/** Undefined when the binary under `packageRoot` fits the platform, else one sentence that says what to do. */
export function whyUnsupported(packageRoot, { platform, arch, glibc }) {
  const remedy =
    'use a Linux x64 machine (a container will do), or build it from a source checkout with "npm run build"'
  if (platform !== 'linux' || arch !== 'x64') {
    return `clipwright has a prebuilt binary for linux-x64 only, and this is ${platform}-${arch}: ${remedy}.`
  }
  if (!glibc || olderThan(glibc, minGlibc)) {
    const found = glibc ? `glibc ${glibc}` : 'a C library that is not glibc'
    return `clipwright's prebuilt binary needs glibc ${minGlibc.join('.')} or newer, and this system has ${found}: use Debian 12, Ubuntu 22.04, RHEL 9 or newer, or build it from a source checkout with "npm run build".`
  }
  if (!existsSync(join(packageRoot, 'prebuilds/linux-x64'))) {
    return `clipwright's package is incomplete (no prebuilds/linux-x64 in ${packageRoot}): install it again, or pack it after "npm run prebuilds".`
  }
  return undefined
}

function olderThan(version, [major, minor]) {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a < major || (a === major && b < minor)
}
