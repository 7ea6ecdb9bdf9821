// Files from the Python package index, each checked against its pinned hash by pip itself.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, run, SetupError, succeeds } from './command.mjs'

/**
 * Downloads `[{ requirement, sha256 }]` without their dependencies into a new folder under .cache and returns it; the
 * caller removes it. `what` names them in error sentences; `options` are further ones for pip.
 */
export function fetchWheels(wheels, what, options = []) {
  const python = requireProgram('python3', `to fetch ${what}`, 'install Python 3 with pip')
  if (!succeeds(python, ['-m', 'pip', '--version'])) {
    throw new SetupError(
      `pip is needed to fetch ${what}, but "python3 -m pip" does not run: install pip for ${python}.`,
    )
  }
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache/wheels-'))
  const requirements = `${folder}.txt`
  writeFileSync(requirements, wheels.map((wheel) => `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`).join(''))
  try {
    const fixed = ['--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes', '--only-binary=:all:']
    run(python, ['-m', 'pip', 'download', ...fixed, ...options, '--dest', folder, '-r', requirements])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(requirements, { force: true })
  }
  return folder
}
