/** `clipwright encode`: features of pictures or texts into a file. */
import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { Command } from 'commander'
import {
  ARCHITECTURE_OPTION,
  addRunOptions,
  JSON_OPTION,
  MODEL_OPTION,
  positiveNumber,
  type RunFlags,
  runOptions,
} from './arguments.js'
import { EXIT_USAGE, printResult } from './output.js'

type Flags = RunFlags & {
  model: string
  images?: string[]
  texts?: string
  out: string
  batchSize?: number
  json?: boolean
}

export function addEncode(program: Command): void {
  const command = program
    .command('encode')
    .description('Writes a tensor `embeddings` [n, embed_dim], of length 1, with the ids of its rows in the metadata.')
    .requiredOption(...MODEL_OPTION)
    .option(...ARCHITECTURE_OPTION)
    .option('--images <glob...>', 'pictures: paths or patterns such as "photos/**/*.jpg"')
    .option('--texts <file>', 'one text a line')
    .requiredOption('--out <file.safetensors>', 'where to write')
    .option('--batch-size <n>', 'at a time', positiveNumber)
    .option(...JSON_OPTION)
  addRunOptions(command).action(run)
}

async function run(flags: Flags, command: Command): Promise<void> {
  if (!flags.images === !flags.texts)
    command.error('error: expected either --images or --texts', { exitCode: EXIT_USAGE })
  const [{ Clip }, { writeSafetensors }, { requireFiniteFeatures }] = await Promise.all([
    import('../clip/clip.js'),
    import('../checkpoint/formats/safetensors/safetensors.js'),
    import('../clip/finite-features.js'),
  ])
  const source = flags.images ? { images: await findImages(flags.images) } : { texts: await readLines(flags.texts!) }
  const clip = await Clip.load(flags.model, runOptions(flags))
  try {
    const o = flags.batchSize ? { batchSize: flags.batchSize } : {}
    const embeddings = source.images
      ? await clip.encodeImages(source.images, o)
      : await clip.encodeTexts(source.texts.lines, o)
    requireFiniteFeatures(embeddings, flags.model)
    const ids = source.images ?? source.texts.numbers
    await writeSafetensors(flags.out, { embeddings }, { metadata: { ids: JSON.stringify(ids) } })
    const [count, dim] = embeddings.shape as [number, number]
    printResult(
      flags.json,
      { out: flags.out, count, dim },
      (r) => `${r.count} embeddings of ${r.dim} numbers in ${r.out}`,
    )
  } finally {
    await clip.dispose()
  }
}

/** Paths as they are when they exist; else what the pattern matches, sorted. */
async function findImages(patterns: string[]): Promise<string[]> {
  const [{ glob, isDynamicPattern }, { ClipwrightError }] = await Promise.all([
    import('tinyglobby'),
    import('../base/errors.js'),
  ])
  const found: string[] = []
  for (const pattern of patterns) {
    // A shell hands over names that look like patterns: "cat[1].jpg".
    const isPath = !isDynamicPattern(pattern) || existsSync(pattern)
    const paths = isPath
      ? [pattern]
      : (await glob(pattern, { expandDirectories: false, absolute: isAbsolute(pattern) })).sort()
    if (paths.length === 0)
      throw new ClipwrightError(
        'ERR_NOT_FOUND',
        `no file matches --images ${pattern}; quote the pattern and check its folder.`,
      )
    found.push(...paths)
  }
  return found
}

/** Lines that are not empty, with their numbers from 1. */
async function readLines(path: string): Promise<{ lines: string[]; numbers: number[] }> {
  const [{ ClipwrightError }, { readTextFile }] = await Promise.all([
    import('../base/errors.js'),
    import('../files/text.js'),
  ])
  const text = await readTextFile(path, (reason) => `could not read the texts ${path}: ${reason}`, {
    orPipe: true,
  })
  const numbered = text
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== '')
  if (numbered.length === 0) throw new ClipwrightError('ERR_DATA', `${path} holds no text; it needs one a line.`)
  return { lines: numbered.map((n) => n.line), numbers: numbered.map((n) => n.number) }
}
