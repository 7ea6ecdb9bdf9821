// The golden models of test/goldens as native/test/golden.cpp reads them: weights, gradients and weights after five steps
// under the core's names, captions packed. The library itself translates: each of the three is loaded as a checkpoint.
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CASES, lossOf, placeOf } from '../../test/clip/golden-places.mjs'
import { root } from '../setup/command.mjs'
import { modelLine } from './models.mjs'

const goldens = join(root, 'test/goldens')
const weightFiles = ['model.safetensors', 'open_clip_model.safetensors']

/** Writes NAME.golden of every case into the folder `to`. */
export async function writeGoldens(to) {
  const library = await import(join(root, 'dist/index.js'))
  const { sessionOf } = await import(join(root, 'dist/clip/session.js'))
  const { packTokens } = await import(join(root, 'dist/clip/texts.js'))
  for (const name of CASES)
    writeFileSync(join(to, `${name}.golden`), await bytesOf(name, library, sessionOf, packTokens))
}

async function bytesOf(name, { Clip, readSafetensors, writeSafetensors }, sessionOf, packTokens) {
  const folder = join(goldens, name)
  const { tensors } = await readSafetensors(join(folder, 'golden.safetensors'))
  const parts = []
  const put = (type, key, values) => {
    parts.push(Buffer.from(`${type} ${values.length} ${key}\n`), bytes(values), Buffer.from('\n'))
  }
  const staged = mkdtempSync(join(tmpdir(), 'clipwright-golden-'))
  try {
    cpSync(folder, staged, { recursive: true })
    const weights = join(
      staged,
      weightFiles.find((file) => existsSync(join(staged, file))),
    )
    const { path, options } = placeOf(name, staged)
    const core = async (what) => {
      const clip = await Clip.load(path, { ...options, device: 'cpu' })
      const session = sessionOf(clip, 'pack:card')
      for (const [index, parameter] of session.parameters.entries()) {
        put('f32', `${what} ${parameter.name}`, await session.call((native) => native.read({ index, slot: 'value' })))
      }
      await clip.dispose()
      return session.model
    }
    const native = await core('value')
    for (const what of ['grad', 'after']) {
      await writeSafetensors(weights, under(tensors, `${what}.`))
      await core(what)
    }
    put('f32', 'images', tensors['input.images'].data)
    const tokens = { shape: tensors['input.tokens'].shape, data: tensors['input.tokens'].data }
    const forms = native.text.kind === 'causal' ? { packed: false, full: true } : { packed: false }
    for (const [form, fullContext] of Object.entries(forms)) {
      const packed = packTokens(tokens, native.text, fullContext, name)
      for (const key of ['ids', 'offsets', 'pool']) put('i32', `${form}.${key}`, packed[key])
    }
    put('f32', 'image_features', tensors['out.image_features'].data)
    put('f32', 'text_features', tensors['out.text_features'].data)
    put('f32', 'loss', tensors['out.loss'].data)
    if (lossOf(folder) === 'siglip') put('i32', 'loss.siglip', new Int32Array())
    put('f32', 'logit_scale', tensors['out.logit_scale'].data)
    put('f32', 'train_losses', tensors['train.losses'].data)
    return Buffer.concat([Buffer.from(`${modelLine(name, native)}\n`), ...parts])
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
}

const bytes = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)

function under(tensors, prefix) {
  const keys = Object.keys(tensors).filter((key) => key.startsWith(prefix))
  return Object.fromEntries(
    keys.map((key) => [key.slice(prefix.length), { shape: tensors[key].shape, data: tensors[key].data }]),
  )
}
