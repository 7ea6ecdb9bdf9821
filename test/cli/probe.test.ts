import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { classFolders } from '../eval/zero-shot/folders.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()
const [train, val] = [join(folder, 'train'), join(folder, 'val')]
const hues = { red: 0, green: 120, dark_blue: 240 }

beforeAll(async () => {
  await classFolders(train, hues, 5)
  await classFolders(val, hues, 2)
})

describe('clipwright probe', () => {
  it('prints what all pictures teach, and few of them', async () => {
    const args = ['probe', '--model', model, '--train', train, '--val', val, '--threads', '1']
    const json = await clipwright(...args, '--l2', '0.01', '--json')
    expect(json).toMatchObject({ code: 0, stderr: '' })
    const r = JSON.parse(json.stdout)
    expect(r).toMatchObject({
      on: 'val',
      l2: 0.01,
      classes: ['dark_blue', 'green', 'red'],
      images: { train: 15, val: 6 },
    })
    expect(r).not.toHaveProperty('weights')

    const { code, stdout } = await clipwright(...args, '--shots', '1,4', '--test', val)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^3 classes; measured on 6 pictures \(test\), percent\n/)
    expect(stdout).toMatch(/\n1 a class .*\n4 a class .*\nall 21 +\d+\.\d\d +\d+\.\d\d +\d/)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it.each([
    [['--shots', '1,x'], 2, /--shots/],
    [['--shots', '6'], 1, /dark_blue, green, red have fewer than 6 pictures/],
    [['--l2', '0'], 2, /--l2: expected a number above 0/],
  ])('refuses %j', async (args, code, message) => {
    const ended = await clipwright('probe', '--model', model, '--train', train, '--val', val, ...args)
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })
})
