import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { train } from '../../lib/train/run.js'
import { clipwright } from '../programs/program.js'
import { captionList, type Entry, temporaryFolder } from './pictures.js'
import { logOf, MODEL, stepsOf } from './runs.js'

const folder = temporaryFolder()
const small = { model: MODEL, batchSize: 8, epochs: 1, threads: 1, seed: 5 }

async function entries(name: string): Promise<(Entry & { caption: string[] })[]> {
  return JSON.parse(readFileSync(await captionList(folder, name, 24), 'utf8'))
}

test("Karpathy's splits train and validate as the same pictures in lists do", async () => {
  const all = await entries('split')
  const splitOf = (i: number) => (i < 16 ? 'train' : 'val')
  const images = all.map(({ image, caption }, i) => ({
    filepath: dirname(image),
    filename: image.split('/').at(-1),
    split: splitOf(i),
    sentences: caption.map((raw) => ({ raw })),
  }))
  const path = join(folder, 'dataset.json')
  writeFileSync(path, JSON.stringify({ images }))
  for (const split of ['train', 'val'])
    writeFileSync(join(folder, `${split}-list.json`), JSON.stringify(all.filter((_, i) => splitOf(i) === split)))
  const [one, two] = [join(folder, 'karpathy-run'), join(folder, 'lists-run')]
  await train({ ...small, data: path, val: path, out: one }).result
  await train({ ...small, data: join(folder, 'train-list.json'), val: join(folder, 'val-list.json'), out: two }).result
  expect(stepsOf(logOf(one))).toHaveLength(2)
  expect(stepsOf(logOf(one))).toEqual(stepsOf(logOf(two)))
  const recallOf = (out: string) => logOf(out).find((event) => event.type === 'eval')
  expect(recallOf(one)).toMatchObject({ recall: recallOf(two)!.recall, loss: recallOf(two)!.loss })
})

test("Chinese-CLIP's folder trains, validates and is evaluated, pictures in base64", async () => {
  const all = await entries('muge')
  const rows = all.map(({ image }, i) => `${i}\t${readFileSync(join(folder, image)).toString('base64')}\n`)
  const texts = all.slice(0, 20).map(({ caption }, i) => ({ text: caption[0], image_ids: i % 4 ? [i] : [i, i + 1] }))
  for (const split of ['train', 'valid']) {
    writeFileSync(join(folder, `${split}_imgs.tsv`), rows.join(''))
    writeFileSync(join(folder, `${split}_texts.jsonl`), texts.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
  const out = join(folder, 'muge-run')
  await train({ ...small, data: folder, val: folder, out }).result
  expect(stepsOf(logOf(out))).toHaveLength(2)
  const model = join(out, 'checkpoints/last')
  const ended = await clipwright(['eval', '--model', model, '--data', folder, '--split', 'valid', '--json']).ended
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(ended.stdout)).toMatchObject({
    images: 24,
    captions: 20,
    protocol: { name: 'muge', format: 'muge', split: 'valid', captionsPerPicture: { least: 1, most: 2, mean: 1.25 } },
  })
})
