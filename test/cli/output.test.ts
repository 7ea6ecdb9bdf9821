import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { captionList, temporaryFolder } from '../train/pictures.js'

// The built command line, as users run it; `npm test` builds it before.
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = temporaryFolder()
const model = join(folder, 'model')

beforeAll(async () => {
  await using clip = await Clip.create('ViT-tiny-test')
  await clip.save(model)
})

describe('output that cannot be written', () => {
  it('ends the command in silence when the reader has left', async () => {
    const child = spawn(process.execPath, [main, 'inspect', model, '--json'])
    child.stdout.destroy()
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect({ said, code }).toEqual({ said: '', code: 1 })
  })

  it('is told in one sentence where the disk is full', () => {
    const full = openSync('/dev/full', 'w')
    const { status, stderr } = spawnSync(process.execPath, [main, 'inspect', model], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(full)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^clipwright: the result could not be written: ENOSPC.*\n$/)
  })

  it('has warnings of the library in lines of 80 columns', () => {
    const args = [
      main,
      'encode',
      '--model',
      model,
      '--texts',
      main,
      '--precision',
      'bf16',
      '--out',
      join(folder, 'texts.safetensors'),
    ]
    const env = { ...process.env, CLIPWRIGHT_MAX_ISA: 'avx2' }
    const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    expect(status).toBe(0)
    expect(stderr.replace(/\n(?=.)/g, ' ')).toMatch(/^warning: This device has no fast bf16 products[^\n]*\.\n$/)
    for (const line of stderr.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  it('does not end a training run that nobody watches any more', async () => {
    const data = await captionList(folder, 'train', 16)
    const out = join(folder, 'run')
    const options = { data, model: 'ViT-tiny-test', out, 'batch-size': 8, epochs: 2, threads: 1 }
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
    const child = spawn(process.execPath, [main, 'train', ...flags, '--json'])
    child.stderr.destroy()
    const [result, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    expect(code).toBe(0)
    expect(JSON.parse(result)).toMatchObject({ steps: 4, interrupted: false })
    expect(statSync(join(out, 'checkpoints/last/training.safetensors')).size).toBeGreaterThan(0)
  })
})
