// The kit on this machine.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { packCard } from './pack.mjs'

/** Packs and runs it; its exit code becomes this process's. Results go to build/card-results unless `args` say where. */
export async function runKit(args, env = {}) {
  const { folder } = await packCard()
  const out = ['--out', join(root, 'build/card-results')]
  const { status } = spawnSync(join(folder, 'run.sh'), [...out, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = status ?? 1
}
