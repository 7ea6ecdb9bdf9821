// GoogleTest for the native suites: the system's, else the source that the pinned wheel holds. Where neither can be had,
// CMake itself fetches the pinned release (native/test/tests.cmake).
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cmakeFinds } from './cmake.mjs'
import { requireProgram, root, run } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const source = join(root, '.cache/googletest')
// The wheel's own library is for one Python only; what is used is the source of GoogleTest 1.15 beside it.
const wheel = {
  requirement: 'ros-gtest-vendor==1.15.1',
  sha256: '6a578c55eca01c7d215e54bf1dd3172ada677b591dd2f5d3c8260b882364ee6e',
  platform: ['--platform=manylinux_2_28_x86_64', '--python-version=3.11', '--implementation=cp', '--abi=cp311'],
}

/** The `-D` arguments that let CMake find GoogleTest: none where the system has it or the wheel cannot be had. */
export function ensureGoogleTest() {
  const fetched = [`-DCLIPWRIGHT_GTEST_SOURCE=${source}`]
  if (existsSync(join(source, 'src/gtest-all.cc'))) return fetched
  if (cmakeFinds('GTest')) return []
  console.log('GoogleTest: fetching the pinned wheel')
  try {
    unpackWheel()
  } catch (error) {
    console.warn(`GoogleTest: ${error.message} CMake will fetch the release instead.`)
    return []
  }
  return fetched
}

function unpackWheel() {
  const folder = fetchWheels([wheel], 'GoogleTest', wheel.platform)
  const staged = mkdtempSync(join(root, '.cache/googletest-'))
  try {
    const python = requireProgram('python3', 'to unpack GoogleTest', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), staged])
    const data = readdirSync(staged).find((name) => name.endsWith('.data'))
    rmSync(source, { recursive: true, force: true })
    renameSync(join(staged, data, 'data/src/gtest_vendor'), source)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}
