// Where contenders run: our own programs, and peers that are installed when the first case needs them.
import { join } from 'node:path'
import { ensureOnnxRuntime, ensurePeers } from '../../scripts/peers/environment.mjs'
import { ensureNodePeers } from '../../scripts/peers/node-environment.mjs'
import { root, SetupError } from '../../scripts/setup/command.mjs'

const peers = join(root, 'bench/peers')
const node = process.execPath

/** What each makes of a contender's program and arguments. */
const MAKERS = {
  ours: async () => (program, args) =>
    program === 'cli'
      ? { program: node, args: [join(root, 'dist/cli/main.js'), ...args] }
      : { program: node, args: [join(root, 'bench/ours', program), ...args] },
  python: async () => inPython(await ensurePeers()),
  onnxruntime: async () => inPython(await ensureOnnxRuntime()),
  node: async () => {
    const modules = await ensureNodePeers()
    return (program, args) => ({ program: node, args: [join(peers, program), ...args], env: { NODE_PATH: modules } })
  },
}

const inPython = (python) => (program, args) => ({ program: python, args: [join(peers, program), ...args] })

/** Each is made at its first use. One that cannot be made says why each time, and nothing is tried again. */
export class Environments {
  #made = new Map()

  /** @param {Record<string, () => Promise<(program: string, args: unknown[]) => object>>} makers */
  constructor(makers = MAKERS) {
    this.makers = makers
  }

  /** @returns {Promise<{ command: (program: string, args: unknown[]) => object } | { failed: string }>} */
  open(name) {
    if (!this.#made.has(name)) this.#made.set(name, this.#make(name))
    return this.#made.get(name)
  }

  async #make(name) {
    try {
      return { command: await this.makers[name]() }
    } catch (error) {
      if (!(error instanceof SetupError)) throw error
      return { failed: `It could not be installed: ${error.message.split('\n')[0]}` }
    }
  }
}
