// The kit for a bare card: one folder with all that a machine with Linux, an NVIDIA driver and Python with torch needs to
// check and measure the CUDA part. No Node, no network and no compiler there.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from '../bootstrap.mjs'
import { buildCuda, cudaLibrary } from '../build-cuda.mjs'
import { buildLib } from '../build-lib.mjs'
import { buildNative } from '../build-native.mjs'
import { findProgram, root, run, SetupError } from '../setup/command.mjs'
import { ensureGomp } from '../setup/gomp.mjs'
import { filesUnder } from '../setup/stamp.mjs'
import { writeGoldens } from './goldens.mjs'
import { modelLine } from './models.mjs'
import { buildPrograms, programs } from './programs.mjs'
import { fillSite } from './site.mjs'

export const card = join(root, 'build/card')
/** Of the folder: to be copied over a slow line. */
export const mostBytes = 40 * 2 ** 20

/** Builds what is missing and fills the folder. Returns its path and size. */
export async function packCard() {
  bootstrap()
  buildNative({ target: 'clipwright' }) // goldens are translated by the library
  await buildLib()
  await buildCuda()
  return fillKit({ to: card, from: buildPrograms(), library: cudaLibrary, site: true })
}

/**
 * Of what was built: `from` is the folder of the programs, `library` clipwright_cuda.so or nothing, `site` whether the
 * peers' packages go along, `most` how many bytes it may have. The folder appears when it is whole.
 */
export async function fillKit({ to, from, library, site, most = mostBytes }) {
  const staged = `${to}.part`
  rmSync(staged, { recursive: true, force: true })
  for (const folder of ['bin', 'goldens', 'kit', 'peers', 'licenses'])
    mkdirSync(join(staged, folder), { recursive: true })
  for (const program of programs) cpSync(join(from, program), join(staged, 'bin', program))
  if (library) {
    cpSync(library, join(staged, 'bin/clipwright_cuda.so'))
    cpSync(ensureGomp(), join(staged, 'bin/libgomp.so.1'))
  }
  await writeGoldens(join(staged, 'goldens'))
  writeFileSync(join(staged, 'models.txt'), await modelLines())
  if (site) fillSite(join(staged, 'site'))
  for (const script of ['ops_torch.py', 'step_open_clip.py'])
    cpSync(join(root, 'bench/peers', script), join(staged, 'peers', script))
  for (const file of filesUnder(join(root, 'scripts/card/kit')).filter((name) => name.endsWith('.py'))) {
    cpSync(file, join(staged, 'kit', file.split('/').at(-1)))
  }
  for (const file of ['run.sh', 'README.txt']) cpSync(join(root, 'scripts/card', file), join(staged, file))
  chmodSync(join(staged, 'run.sh'), 0o755)
  copyLicences(join(staged, 'licenses'))
  writeFileSync(join(staged, 'kit.json'), `${JSON.stringify(await about(), null, 2)}\n`)
  const bytes = filesUnder(staged).reduce((sum, file) => sum + statSync(file).size, 0)
  if (bytes > most) throw new SetupError(`The kit takes ${mib(bytes)}, more than ${mib(most)}: see ${staged}.`)
  rmSync(to, { recursive: true, force: true })
  renameSync(staged, to)
  return { folder: to, bytes }
}

export const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

async function modelLines() {
  const { builtInNames, describeModel } = await import(join(root, 'dist/models/registry.js'))
  const { resolveModel } = await import(join(root, 'dist/models/resolve.js'))
  const lines = builtInNames().map((name) => {
    const { config, preprocess } = describeModel(name)
    return modelLine(name, resolveModel(config, preprocess, name))
  })
  return `${lines.join('\n')}\n`
}

function copyLicences(to) {
  for (const file of ['LICENSE', 'THIRD_PARTY_NOTICES.md']) cpSync(join(root, file), join(to, file))
  cpSync(join(root, 'licenses'), to, { recursive: true })
  const cuda = join(root, 'packages/clipwright-cuda/licenses')
  if (existsSync(cuda)) cpSync(cuda, to, { recursive: true })
}

/** What the driver must know of this build. */
async function about() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const source = (file) => readFileSync(join(root, 'native/ops/cuda', file), 'utf8')
  const found = (text, pattern) => {
    const match = pattern.exec(text)
    if (!match)
      throw new SetupError(`native/ops/cuda says nowhere ${pattern.source}: scripts/card/pack.mjs reads it there.`)
    return match[1]
  }
  const least = found(source('backend.h'), /kLeastMajor = (\d+)/)
  return {
    clipwright: version,
    commit: commit(),
    leastDriver: found(source('library.h'), /kLeastDriver = "(\d+)"/),
    leastCapability: Number(least),
    flopsPerPair: await flopsPerPair(),
  }
}

/** Of the models that are measured, with captions of as many tokens as there (scripts/card/kit/plan.py). */
async function flopsPerPair() {
  const { describeModel } = await import(join(root, 'dist/models/registry.js'))
  const { resolveModel } = await import(join(root, 'dist/models/resolve.js'))
  const { trainFlopsPerPair } = await import(join(root, 'dist/models/flops.js'))
  const of = (name) => {
    const { config, preprocess } = describeModel(name)
    return { 20: trainFlopsPerPair(resolveModel(config, preprocess, name), 20) }
  }
  return Object.fromEntries(['ViT-B-32', 'ViT-L-14'].map((name) => [name, of(name)]))
}

function commit() {
  const git = findProgram('git')
  if (!git || !existsSync(join(root, '.git'))) return null
  return run(git, ['describe', '--always', '--dirty', '--abbrev=12'], { quiet: true }).trim()
}
