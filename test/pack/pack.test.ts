import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { filesUnder } from '../../scripts/setup/stamp.mjs'
import { InstallFolder } from './install-folder.js'

type Packed = { filename: string; size: number; files: { path: string }[] }

const there = new InstallFolder()
const command = join(there.path, 'node_modules/.bin/clipwright')
const model = join(there.path, 'model')
const pictures = ['blue.png', 'green.png', 'red.png']
let packed: Packed

beforeAll(async () => {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', there.path])
  packed = JSON.parse(output.toString())[0]
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
  there.succeed('npm', 'install', ...quietly, `./${packed.filename}`)
  for (const picture of pictures) {
    const background = picture.replace('.png', '')
    await sharp({ create: { width: 48, height: 40, channels: 3, background } }).toFile(join(there.path, picture))
  }
  writeFileSync(join(there.path, 'texts.txt'), 'a red square\na green square\n')
  const save =
    "import { Clip } from 'clipwright'; await (await Clip.create('ViT-tiny-test', { seed: 3 })).save('model')"
  there.succeed('node', '--input-type=module', '-e', save)
}, 300_000)

afterAll(() => rmSync(there.path, { recursive: true, force: true }))

describe('the package', () => {
  it('holds the compiled library, the binary with its libraries, and their licences, and no sources', () => {
    const files = packed.files.map(({ path }) => path)
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'THIRD_PARTY_NOTICES.md',
        'README.md',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/cli/main.js',
        'dist/tokenizer/vocab/bert-base-chinese.txt',
        'dist/tokenizer/vocab/LICENSE-bert-base-chinese.txt',
        'prebuilds/linux-x64/clipwright.glibc.node',
        'prebuilds/linux-x64/libdnnl.so.3',
        'prebuilds/linux-x64/libgomp.so.1',
        'prebuilds/linux-x64/licenses/onednn-LICENSE.txt',
        'prebuilds/linux-x64/licenses/libjpeg-turbo.txt',
        'prebuilds/linux-x64/licenses/libgomp-GPL-3.0.txt',
      ]),
    )
    expect(
      files.filter((path) => /^(lib|native|test|scripts|build|\.cache|.*\/quickstart)\/|\.map$/.test(path)),
    ).toEqual([])
    // About 14 MB, nearly all of it oneDNN.
    expect(packed.size).toBeLessThan(20e6)
  })

  it('is a small install', () => {
    const modules = join(there.path, 'node_modules')
    const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'))
    expect(Object.keys(packages).length).toBeLessThan(40)
    const bytes = filesUnder(modules).reduce((sum: number, file: string) => sum + statSync(file).size, 0)
    expect(bytes).toBeGreaterThan(40e6)
    expect(bytes).toBeLessThan(90e6)
  })

  it('is installed where there is no compiler, CMake or Python', () => {
    for (const tool of ['g++', 'c++', 'cc', 'gcc', 'clang', 'cmake', 'make', 'ninja', 'python3', 'python']) {
      expect(there.run(tool, '--version').status, tool).toBeNull()
    }
  })

  it('encodes pictures there as the source checkout does', async () => {
    const report = there.succeed(
      command,
      'encode',
      '--model',
      'model',
      '--images',
      '*.png',
      '--out',
      'images.safetensors',
      '--json',
    )
    expect(() => JSON.parse(report)).not.toThrow()
    const { tensors, metadata } = await readSafetensors(join(there.path, 'images.safetensors'))
    expect(tensors.embeddings?.shape).toEqual([3, 64])
    expect((JSON.parse(metadata.ids ?? '') as string[]).map((id) => id.split('/').at(-1))).toEqual(pictures)

    const clip = await Clip.load(model)
    const expected = await clip.encodeImages(pictures.map((picture) => join(there.path, picture)))
    await clip.dispose()
    expect(largestDifference(tensors.embeddings?.data as Float32Array, expected.data)).toBeLessThan(1e-6)
  })

  it('encodes texts there as the source checkout does', async () => {
    there.succeed(command, 'encode', '--model', 'model', '--texts', 'texts.txt', '--out', 'texts.safetensors')
    const { tensors } = await readSafetensors(join(there.path, 'texts.safetensors'))
    const clip = await Clip.load(model)
    const expected = await clip.encodeTexts(['a red square', 'a green square'])
    await clip.dispose()
    expect(tensors.embeddings?.shape).toEqual([2, 64])
    expect(largestDifference(tensors.embeddings?.data as Float32Array, expected.data)).toBeLessThan(1e-6)
  })

  it('says in one sentence what to do when its binary is gone, or broken', () => {
    const doctor = () => there.node('node_modules/clipwright/dist/cli/main.js', 'doctor')
    expect(doctor()).toMatchObject({ status: 0, stderr: '' })
    const prebuilds = 'node_modules/clipwright/prebuilds'
    there.succeed('mv', prebuilds, 'prebuilds')
    const withoutIt = doctor()
    there.succeed('mkdir', '-p', `${prebuilds}/linux-x64`)
    there.succeed('cp', 'texts.txt', `${prebuilds}/linux-x64/clipwright.glibc.node`)
    const withText = doctor()
    there.succeed('rm', '-r', prebuilds)
    there.succeed('mv', 'prebuilds', prebuilds)
    expect(withoutIt).toMatchObject({ status: 1, stdout: '' })
    expect(withoutIt.stderr).toMatch(
      /^clipwright: clipwright's package is incomplete \(.*\): install it again; .*\.\n$/,
    )
    expect(withText).toMatchObject({ status: 1, stdout: '' })
    expect(withText.stderr).toMatch(
      /^clipwright: clipwright's native binary in .* does not load \(.*\): install it again, .*\.\n$/,
    )
  })

  it('refuses another platform in one sentence, where it is installed but cannot run', () => {
    const elsewhere = 'data:text/javascript,Object.defineProperty(process,"platform",{value:"darwin"})'
    const ran = there.node('--import', elsewhere, 'node_modules/clipwright/dist/cli/main.js', 'doctor')
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(
      /^clipwright: clipwright has a prebuilt binary for linux-x64 only, and this is darwin-x64: .*\.\n$/,
    )
  })
})

describe('README', () => {
  const readme = readFileSync('README.md', 'utf8')
  const blocks = (language: string) =>
    [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, l]) => l === language).map(([, , text]) => text!)
  /** What is said there with a large model, done with a small one; with one of the hub, with the folder of its name. */
  const small = (text: string) => text.replaceAll('ViT-B-32', 'ViT-tiny-test').replaceAll('hf-hub:OFA-Sys/', './')
  const few = (line: string) => line.replace('train --data', 'train --epochs 2 --data')
  const batch = Array.from({ length: 64 }, (_, i) => {
    const picture = pictures[i % pictures.length]!
    return { picture, image: `${i}-${picture}`, caption: [picture.replace('.png', ''), 'a square'] }
  })
  const list = JSON.stringify(batch.map(({ image, caption }) => ({ image, caption })))

  beforeAll(() => {
    for (const { picture, image } of batch) copyFileSync(join(there.path, picture), join(there.path, image))
    for (const name of ['train.json', 'val.json']) writeFileSync(join(there.path, name), list)
    there.succeed('cp', 'red.png', 'cat.jpg')
    writeFileSync(
      join(there.path, 'weights.mjs'),
      `import { Clip, modelConfig } from 'clipwright'
       const save = async (model, path, layout) => (await Clip.create(model)).save(path, { layout })
       await save('ViT-tiny-test', 'my-model', 'open_clip')
       const chinese = modelConfig('ViT-Ti-8@BERT-quickstart')
       Object.assign(chinese.text_cfg, { pooler: 'cls', ln_final: false })
       await save(chinese, 'chinese-clip-vit-base-patch16', 'hf')`,
    )
    there.succeed('node', 'weights.mjs')
  })

  /** Whole programs of this package. */
  const ownExamples = () => blocks('js').filter((text) => /^import .* from 'clipwright'/.test(text))

  it('shows the examples as they are', () => {
    const examples = ['first', 'train', 'search'].map((name) => readFileSync(`examples/${name}.mjs`, 'utf8'))
    const withoutHead = examples.map((text) => text.replace(/^(\/\/.*\n)+/, ''))
    expect(ownExamples()).toEqual(withoutHead)
  })

  it('has commands that work', () => {
    const lines = blocks('sh').flatMap((text) => text.split('\n').filter((line) => line.startsWith('npx ')))
    const commands = lines.filter((line) => !line.includes('--pretrained')) // those download hundreds of megabytes
    expect(commands).toHaveLength(6)
    for (const line of commands) there.succeed('sh', '-c', few(small(line)).replace('npx clipwright', command))
  }, 120_000)

  it('has a training and an inference example that work', () => {
    const [first, training, search] = ownExamples().map(small)
    writeFileSync(join(there.path, 'first.mjs'), first!)
    expect(there.succeed('node', 'first.mjs')).toMatch(/Float32Array\(2\)/)
    writeFileSync(join(there.path, 'train.mjs'), training!)
    writeFileSync(join(there.path, 'search.mjs'), search!)
    const told = there.succeed('node', 'train.mjs', 'train.json', 'val.json', 'runs/example')
    expect(told).toMatch(/^step 1 {2}loss \d\.\d{3} {2}\d/)
    expect(told.match(/mean recall/g)).toHaveLength(10)
    expect(told.trim().split('\n').at(-1)).toMatch(/runs\/example$/)
    const found = there.succeed('node', 'search.mjs', 'runs/example/checkpoints/best', 'a square', ...pictures)
    for (const picture of pictures) expect(found).toContain(picture)
  }, 120_000)
})

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}
