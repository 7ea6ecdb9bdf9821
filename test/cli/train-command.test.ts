import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Option as Declared } from '../../lib/base/option.js'
import { addTrain } from '../../lib/cli/train.js'
import { TRAIN_OPTIONS } from '../../lib/train/options/table.js'
import { captionList, temporaryFolder } from '../train/pictures.js'

// The built command line, as users run it; `npm test` builds it before.
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const small = ['--model', 'ViT-tiny-test', '--batch-size', '8', '--epochs', '1', '--threads', '1']

function clipwright(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })
  return { code: status, stdout, stderr }
}

let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 16)
})

describe('train', () => {
  it('has a flag for every option, with its choices and the same default', () => {
    const command = new Command()
    addTrain(command)
    const flags = new Map(command.options.filter((o) => !o.negate).map((o) => [o.attributeName(), o]))
    const { signal: _, ...options } = TRAIN_OPTIONS
    for (const [name, option] of Object.entries<Declared<unknown>>(options)) {
      const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      expect(flags.get(name)?.long, name).toBe(`--${kebab}`)
      expect(flags.get(name)?.argChoices, name).toEqual(option.kind.flag?.choices)
      expect(flags.get(name)?.defaultValue, name).toEqual(option.default)
    }
    const off = command.options.filter((o) => o.negate).map((o) => o.long)
    expect(off).toEqual(['--no-augment', '--no-strict'])
  })

  it.each([
    [[], 'train: --data: expected the path of a caption list'],
    [['--data', 'x.json'], 'expected --model (a name such as ViT-B-32) or --load'],
    [['--data', 'x.json', '--model', 'ViT-B-32', '--min-lr', '1'], '--min-lr: expected at most --lr (0.0005), got 1.'],
    [['--data', 'x.json', '--model', 'ViT-B-32', '--betas', ','], 'Expected two numbers such as 0.9,0.98.'],
    [['--strict', 'false'], 'got "false"; an option that is on or off takes no value'],
    [['train.json'], 'got "train.json"; a path is given with its flag'],
    [['--epochs', '-3'], 'Expected a whole number of at least 1'],
    [['--data', 'x.json', '--model', 'ViT-B-32', '--device', 'tpu'], 'Expected auto, cpu, cuda or cuda:N'],
    [['--data', 'x.json', '--model', 'ViT-B-32', '--augmnt'], '--augment'],
  ])('ends with 2 at wrong usage: %j', (args, message) => {
    expect(clipwright('train', ...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })

  it('takes its options from --config, and flags over it', () => {
    const config = path('options.json')
    // None of these is what the flag has by default.
    const options = {
      model: 'ViT-tiny-test',
      batchSize: 8,
      threads: 1,
      betas: [0.8, 0.9],
      seed: 3,
      workers: 2,
      lr: 1e-3,
    }
    writeFileSync(config, JSON.stringify({ data, ...options, epochs: 2 }))
    const flags = [
      '--epochs',
      '1',
      '--augment',
      '--validate-every',
      '0',
      '--freeze',
      'visual.*',
      '--freeze',
      'ln_final.*',
    ]
    const ended = clipwright('train', '--config', config, ...flags, '--out', path('a'), '--json')
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ steps: 2, epochs: 1, out: path('a'), interrupted: false })
    const kept = JSON.parse(readFileSync(path('a/config.json'), 'utf8'))
    const given = { epochs: 1, augment: true, validateEvery: 0, freeze: ['visual.*', 'ln_final.*'] }
    expect(kept).toMatchObject({ data, ...options, ...given, out: path('a') })
    const again = clipwright('train', '--config', config, ...flags, '--betas', '0.7,0.95', '--out', path('b'))
    expect(again.code).toBe(0)
    expect(JSON.parse(readFileSync(path('b/config.json'), 'utf8')).betas).toEqual([0.7, 0.95])
  })

  it('names flags also in what is found later, and goes on with a run that was moved', () => {
    const run = [...small, '--data', data, '--out', path('first')]
    const first = clipwright('train', ...run)
    expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/^weights +random$/m) })
    expect(first.stderr).toMatch(/^device +cpu$/m)
    expect(first.stderr).not.toMatch(/^augment/m)
    const said = [
      [
        run,
        `train: --out: there is a run in ${path('first')} already; go on with it (--resume), replace it (--overwrite)`,
      ],
      [
        ['--resume', path('first'), '--seed', '4'],
        'cannot change --seed (was 0); leave the option away, or start a new run with --load.',
      ],
      [
        [...small, '--data', data, '--freeze', 'visal.*', '--out', path('none')],
        '--freeze: "visal.*" matches no parameter',
      ],
    ] as const
    for (const [args, message] of said) {
      expect(clipwright('train', ...args)).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
    }
    renameSync(path('first'), path('moved'))
    const moved = clipwright('train', '--resume', path('moved'), '--epochs', '2', '--verbose')
    expect(moved).toMatchObject({ code: 0, stdout: expect.stringMatching(/^4 steps/) })
    expect(moved.stderr).toMatch(/^augment +crop 0.9-1$/m)
    expect(moved.stderr).toContain(`from ${path('moved/checkpoints/last')}`)
    expect(JSON.parse(readFileSync(path('moved/config.json'), 'utf8')).out).toBe(path('moved'))
  })

  it.each(['0.9', '0.9,x', '0.9,0.99,0.999', ''])('refuses --betas %s', (betas) => {
    const ended = clipwright('train', '--data', 'x', '--model', 'ViT-tiny-test', '--betas', betas)
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('two numbers such as 0.9,0.98') })
  })

  it.each([
    ['[1]', 1, 'expected an object of options'],
    ['null', 1, 'expected an object of options'],
    ['{', 1, 'JSON'],
    ['{"bachSize": 8}', 2, 'there is no option "bachSize" in CONFIG; did you mean "batchSize"?'],
    ['{"data": "x", "lr": "fast"}', 2, 'option "lr" in CONFIG: expected number, got "fast".'],
    ['{"data": "x", "lr": 1e-3}', 2, 'expected --model'],
  ])('refuses --config %s', (text, code, message) => {
    writeFileSync(path('bad.json'), text)
    const ended = clipwright('train', '--config', path('bad.json'))
    expect(ended).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(message.replace('CONFIG', path('bad.json'))),
    })
  })

  it('writes its result below the bar, not behind it', () => {
    // Both streams in one file, as on a terminal.
    const file = openSync(path('screen'), 'w')
    const terminal = 'data:text/javascript,process.stderr.isTTY=true;process.stderr.columns=200'
    const args = ['--import', terminal, main, 'train', '--data', data, ...small, '--out', path('bar')]
    const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', file, file], timeout: 60_000 })
    closeSync(file)
    expect(status).toBe(0)
    const screen = readFileSync(path('screen'), 'utf8')
    expect(screen).toMatch(/2\/2 {2}loss \d/)
    expect(screen).toMatch(/\n2 steps, loss \d/)
  })
})

describe('bench step', () => {
  it('ends with 2 when the model has not so many tokens', () => {
    expect(clipwright('bench', 'step', '--model', 'ViT-tiny-test', '--tokens', '33')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('ViT-tiny-test takes 32 at most, got 33'),
    })
  })
})
