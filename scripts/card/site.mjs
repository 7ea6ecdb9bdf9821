// open_clip for the card's Python: it and what it imports, as far as that is plain Python. What is compiled (torch,
// torchvision, regex) comes from that Python itself. timm and huggingface_hub, which open_clip names too, are not needed for
// its own models.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, run } from '../setup/command.mjs'
import { fetchWheels } from '../setup/wheels.mjs'

const wheels = [
  {
    requirement: 'open_clip_torch==3.3.0',
    sha256: 'c549ad5ed6bfc119cc11105033c0a2b9d7a2a4afeb40a58a09aab3da1a0043ce',
  },
  {
    requirement: 'ftfy==6.3.1',
    sha256: '7c70eb532015cd2f9adb53f101fb6c7945988d023a085d127d1573dc49dd0083',
  },
  {
    requirement: 'wcwidth==0.2.14', // the last of one wheel for all
    sha256: 'a7bb560c8aee30f9957e5f9895805edd20602f2d7f720186dfd906e82b4982e1',
  },
  {
    requirement: 'tqdm==4.70.1',
    sha256: 'c293e525e6fef9c20e8728fd4612df02a0aa31bb5fe91ecd93e123b1b7bffa73',
  },
]

export function fillSite(to) {
  const folder = fetchWheels(wheels, 'open_clip')
  try {
    mkdirSync(to, { recursive: true })
    const python = requireProgram('python3', 'to unpack open_clip', 'install Python 3')
    for (const file of readdirSync(folder)) run(python, ['-m', 'zipfile', '-e', join(folder, file), to])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
