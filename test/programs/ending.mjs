// Gets a model to work, then, 100 ms into it, ends in the way that the first argument names.
import { Clip, InfoNCE, train } from 'clipwright'

const [how, what, options] = process.argv.slice(2)

/** Each returns, when the work has begun, a promise of its end. */
const works = {
  /** A step of a second or so. */
  async step() {
    const clip = await Clip.create('ViT-tiny-test')
    const n = 2048
    const images = { shape: [n, 32, 32, 3], data: new Uint8Array(n * 32 * 32 * 3).fill(9) }
    return { running: clip.forwardBackward({ images, tokens: Array(n).fill('a b c d e f') }, new InfoNCE()) }
  },
  async create() {
    return { running: Clip.create('ViT-B-32') }
  },
  async train() {
    const run = train(JSON.parse(options))
    for await (const event of run) if (event.type === 'step') break
    return { running: run.result }
  },
}

const ends = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('boom')
  },
}

const { running } = await works[what]()
running.then(() => console.log('the work was done'))
if (how in ends) {
  setTimeout(() => {
    console.log(performance.timeOrigin + performance.now())
    ends[how]()
  }, 100)
}
