// Gets a model to work, then, 100 ms into it, ends in the way that the first argument names.
import { Clip, evaluateRetrieval, InfoNCE, train } from 'clipwright'

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
  /** Several blocks of a few milliseconds each: about a second. */
  async rank() {
    const [images, captions, dim] = [8192, 16384, 1024]
    const features = (rows) => ({ shape: [rows, dim], data: new Float32Array(rows * dim).fill(0.5) })
    const imageOfCaption = Int32Array.from({ length: captions }, (_, j) => j % images)
    return {
      running: evaluateRetrieval({ imageFeatures: features(images), textFeatures: features(captions), imageOfCaption }),
    }
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
