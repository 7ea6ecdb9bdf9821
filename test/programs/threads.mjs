// Models in several worker_threads, some of which are ended while their model works. Prints the losses of all, and how
// long, in milliseconds, each ended thread took to be gone.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { AdamW, Clip, InfoNCE } from 'clipwright'

function batch(n) {
  const images = { shape: [n, 32, 32, 3], data: Uint8Array.from({ length: n * 32 * 32 * 3 }, (_, i) => (i * 7) % 251) }
  return { images, tokens: Array.from({ length: n }, (_, i) => `number ${i}`) }
}

async function learn() {
  const clip = await Clip.create('ViT-tiny-test', { threads: 1 })
  const optimizer = new AdamW(clip, { lr: 1e-3 })
  const losses = []
  for (let step = 0; step < 4; step++) {
    losses.push((await clip.forwardBackward(batch(8), new InfoNCE())).loss)
    await optimizer.step()
  }
  return losses // the model is left to the end of its thread
}

async function neverEnd(n) {
  const clip = await Clip.create('ViT-tiny-test', { threads: 1 })
  const same = batch(n)
  parentPort.postMessage('began')
  for (;;) await Promise.all([1, 2, 3].map(() => clip.forwardBackward(same, new InfoNCE())))
}

const start = (task) => new Worker(new URL(import.meta.url), { workerData: task })
const message = (worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })

if (!isMainThread) {
  if (workerData === 'learn') parentPort.postMessage(await learn())
  else await neverEnd(workerData)
} else {
  const losses = await Promise.all([learn(), ...Array.from({ length: 3 }, () => message(start('learn')))])
  const endings = []
  for (let i = 0; i < 3; i++) {
    // Long steps are ended in their middle, short ones also while their result is on its way.
    const workers = [start(512), start(2), start(2)]
    await Promise.all(workers.map(message))
    await new Promise((resolve) => setTimeout(resolve, 29 * i))
    const began = performance.now()
    await Promise.all(workers.map((worker) => worker.terminate()))
    endings.push(performance.now() - began)
  }
  losses.push(await learn())
  console.log(JSON.stringify({ losses, endings }))
}
