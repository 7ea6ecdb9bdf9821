// libgomp for the package: AlmaLinux 8's (GCC 8.5, needs glibc 2.17), out of a pinned wheel that carries it. The compiler's
// own, which development uses, needs about the glibc of the machine that it came with.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { requireProgram, root, run } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const library = join(root, '.cache/gomp/libgomp.so.1')
const wheel = {
  requirement: 'pykdtree==1.4.3', // the smallest that has it; nothing else of it is used
  sha256: '08d63ee594b5cd7524bfa37ab857304a775ed04b7431ed4b48169ad664d694d8',
  platform: ['--platform=manylinux_2_28_x86_64', '--python-version=3.12', '--implementation=cp', '--abi=cp312'],
}

/** Full path of a libgomp.so.1 that runs on every glibc the package is for. */
export function ensureGomp() {
  if (!existsSync(library)) unpackWheel()
  return library
}

function unpackWheel() {
  console.log('libgomp: fetching the pinned wheel')
  const folder = fetchWheels([wheel], 'libgomp', wheel.platform)
  const staged = mkdtempSync(join(root, '.cache/gomp-'))
  try {
    const python = requireProgram('python3', 'to unpack libgomp', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), staged])
    const libraries = join(staged, 'pykdtree.libs')
    const name = readdirSync(libraries).find((file) => file.startsWith('libgomp'))
    mkdirSync(dirname(library), { recursive: true })
    copyFileSync(join(libraries, name), `${library}.part`)
    renameSync(`${library}.part`, library)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}
