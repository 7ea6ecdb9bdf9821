// Files that cases read, made once: weights, graphs, pictures, texts. In .cache/bench, which git ignores.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { samplePictures } from '../../dist/bench/sample-pictures.js'
import { Clip } from '../../dist/index.js'
import { root } from '../../scripts/setup/command.mjs'
import { captions } from '../ours/texts.mjs'

export const artefactFolder = join(root, '.cache/bench')
const PICTURES = 64
const TEXTS = 20_000

const save = (layout) => async (to, model) => {
  const clip = await Clip.create(model, { device: 'cpu' })
  await clip.save(to, { layout })
  await clip.dispose()
}
const texts = async (to, file) => writeFileSync(to, `${captions(file.slice(0, 2), TEXTS).join('\n')}\n`)

/** By the first part of their names; each makes `to` of the rest of the name. */
const MAKERS = {
  open_clip: save('open_clip'),
  onnx: save('onnx'),
  texts,
  pictures: async (to) => {
    mkdirSync(to)
    for (const [i, bytes] of (await samplePictures(PICTURES)).entries()) writeFileSync(join(to, `${i}.jpg`), bytes)
  },
}

/** Of the package itself. */
const THERE = { 'vocab.txt': join(root, 'lib/tokenizer/vocab/bert-base-chinese.txt') }

export const artefact = (name) => THERE[name] ?? join(artefactFolder, name)

/** Makes those that are not there yet. */
export async function ensureArtefacts(names) {
  for (const name of names) {
    const to = artefact(name)
    if (existsSync(to)) continue
    const [kind, ...rest] = name.split('/')
    mkdirSync(dirname(to), { recursive: true })
    rmSync(`${to}.part`, { recursive: true, force: true })
    await MAKERS[kind](`${to}.part`, rest.join('/'))
    renameSync(`${to}.part`, to)
  }
}
