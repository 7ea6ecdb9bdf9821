/** Which machines the prebuilt binary runs on, and one sentence each for the others. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A test holds what is packed against it (test/pack). */
export const oldestGlibc = '2.28'

/** `glibc`: its version; undefined where the C library is another one (Alpine has musl). */
export type Platform = { platform: string; arch: string; glibc: string | undefined }

/** What this machine is. Takes some milliseconds. */
export function thisPlatform(): Platform {
  const { header } = (process.report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  return { platform: process.platform, arch: process.arch, glibc: header?.glibcVersionRuntime }
}

/** Node's permission model keeps binaries out unless it is told not to. */
export function whyForbidden(cause: unknown): string | undefined {
  if ((cause as { code?: string } | undefined)?.code !== 'ERR_DLOPEN_DISABLED') return undefined
  return "clipwright's core is a native binary, which Node's permission model does not let it load: start node with --allow-addons, too."
}

/** A bundler takes the code and leaves the binary, the vocabularies and the model configurations behind. */
export function whyElsewhere(root: string): string | undefined {
  try {
    if (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name === 'clipwright') return undefined
  } catch {}
  return `clipwright's code runs outside of its package (${root} has no package.json of it), so that its binary and its data are not found: a bundler has to leave the package out (mark "clipwright" as external) and it has to be installed where the bundle runs.`
}

const fromSource = 'build it in a source checkout with "npm run build"'

/** Why the binary in the package at `root` cannot be loaded there: what is wrong and what to do. Undefined when it fits. */
export function whyUnsupported(root: string, { platform, arch, glibc }: Platform): string | undefined {
  if (platform !== 'linux' || arch !== 'x64') {
    return `clipwright has a prebuilt binary for linux-x64 only, and this is ${platform}-${arch}: use a Linux x64 machine (a container will do), or ${fromSource}.`
  }
  if (!glibc) {
    return `clipwright's prebuilt binary needs glibc, and this system has another C library (Alpine has musl): use an image with glibc, such as Debian's, or ${fromSource}.`
  }
  if (olderThan(glibc, oldestGlibc)) {
    return `clipwright's prebuilt binary needs glibc ${oldestGlibc} or newer, and this system has glibc ${glibc}: use Debian 10, Ubuntu 20.04, RHEL 8 or newer, or ${fromSource}.`
  }
  const folder = join(root, 'prebuilds/linux-x64')
  if (!existsSync(folder)) {
    return `clipwright's package is incomplete (there is no ${folder}): install it again; in a source checkout, "npm run build" makes a binary and "npm run prebuilds" the one to pack.`
  }
  return undefined
}

function olderThan(version: string, oldest: string): boolean {
  const [a, b] = [version, oldest].map((text) => text.split('.').map(Number))
  return a![0]! < b![0]! || (a![0] === b![0] && (a![1] ?? 0) < b![1]!)
}
