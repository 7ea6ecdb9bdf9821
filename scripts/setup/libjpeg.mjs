// libjpeg-turbo 3.1 for the core: the pinned wheel's static library and headers in .cache/libjpeg, where CMakeLists.txt looks.
// Pillow's wheels are built with the same release line, so that JPEG files have the same pixels; the wheel asks for glibc 2.28.
import { cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, run } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const prefix = join(root, '.cache/libjpeg')
const wheel = {
  requirement: 'comma-deps-libjpeg==3.1.0.post92',
  sha256: 'b47ff662cabd8a0c564fd12f64de451a8806990d80712193b6cd7c23fba2ce6f',
  platform: ['--platform=manylinux_2_28_x86_64', '--python-version=3.12'],
}

/** Makes sure that libjpeg-turbo lies where CMake looks for it. */
export function ensureLibJpeg() {
  if (!existsSync(join(prefix, 'lib/libjpeg.a'))) unpackWheel()
}

function unpackWheel() {
  console.log('libjpeg-turbo: fetching the pinned wheel')
  const folder = fetchWheels([wheel], 'libjpeg-turbo', wheel.platform)
  const staged = mkdtempSync(join(root, '.cache/libjpeg-'))
  try {
    const python = requireProgram('python3', 'to unpack libjpeg-turbo', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), staged])
    const data = readdirSync(staged).find((name) => name.endsWith('.data'))
    cpSync(join(staged, data, 'purelib/libjpeg/install'), join(staged, 'install'), { recursive: true })
    rmSync(prefix, { recursive: true, force: true })
    renameSync(join(staged, 'install'), prefix)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}
