// From the call of `clipwright --help` to its end: node bench/ours/start.mjs RUNS; prints one JSON line.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const best = (...args) =>
  Math.min(
    ...Array.from({ length: Number(process.argv[2]) }, () => {
      const begin = performance.now()
      const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
      if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
      return performance.now() - begin
    }),
  )
console.log(JSON.stringify({ ms: best(cli, '--help'), nodeMs: best('-e', '0') }))
