import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as later } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { readComplete } from '../../lib/files/complete-folder.js'
import { replaceFolder } from '../../lib/files/replace-folder.js'
import { temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'

const root = temporaryFolder()

describe('readers of a folder that is being replaced', () => {
  test('read what was there when a crash left the swap half done, and change nothing', async () => {
    const folder = mkdtempSync(join(root, 'crash-'))
    await using clip = await Clip.create(LIGHT, { threads: 1 })
    await clip.save(join(folder, 'last'))
    renameSync(join(folder, 'last'), join(folder, '.last.previous'))
    await using loaded = await Clip.load(join(folder, 'last'), { threads: 1 })
    expect(loaded.config).toEqual(clip.config)
    expect(readdirSync(folder)).toEqual(['.last.previous'])
  })

  test('never fail, and never see half of it', async () => {
    const folder = mkdtempSync(join(root, 'swaps-'))
    const target = join(folder, 'last')
    const save = (text: string) =>
      replaceFolder(target, { marker: 'a', own: ['a', 'b'], disturbing: [] }, async (aside) => {
        for (const name of ['a', 'b']) await writeFile(join(aside, name), text)
      })
    await save('0')
    let saves = 0
    let reads = 0
    const saving = (async () => {
      for (; saves < 60; saves++) await save(String(saves))
    })()
    while (saves < 60) {
      const both = await readComplete(target, async (complete) => {
        const a = await readFile(join(complete, 'a'), 'utf8')
        await later()
        return [a, await readFile(join(complete, 'b'), 'utf8')]
      })
      expect(both.every((text) => text !== '')).toBe(true)
      reads++
    }
    await saving
    expect(reads).toBeGreaterThan(10)
    expect(readdirSync(folder)).toEqual(['last'])
  })

  test('say what is wrong with a folder that nobody replaces, after one look', async () => {
    const folder = mkdtempSync(join(root, 'still-'))
    mkdirSync(join(folder, 'x'))
    writeFileSync(join(folder, 'x/a'), '')
    let looks = 0
    const reading = readComplete(join(folder, 'x'), async (complete) => {
      looks++
      return readFile(join(complete, 'missing'))
    })
    await expect(reading).rejects.toMatchObject({ code: 'ENOENT' })
    expect(looks).toBe(1)
    expect(existsSync(join(folder, 'x/a'))).toBe(true)
  })
})
