// node_modules: installed when missing or when it is not what package-lock.json asks for.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, run } from './command.mjs'

/** Runs `npm ci` when needed. Returns whether it ran. */
export function ensurePackages() {
  if (installedAsLocked()) return false
  const npm = requireProgram('npm', 'to install the JavaScript packages', 'it comes with Node.js 20.19 or newer')
  console.log('npm ci')
  run(npm, ['ci', '--no-audit', '--no-fund'])
  return true
}

// npm leaves a lockfile of what it installed in node_modules; packages that are optional (other platforms) may be absent.
function installedAsLocked() {
  const locked = packagesOf(join(root, 'package-lock.json'))
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'))
  if (!locked) throw new Error('package-lock.json is missing or is not JSON.')
  if (!installed) return false
  return Object.entries(locked).every(([path, { version, optional }]) => {
    if (path === '') return true
    return path in installed ? installed[path].version === version : optional === true
  })
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages
  } catch {
    return undefined
  }
}
