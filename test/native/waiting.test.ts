import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, '../programs/waiting.mjs')

/** What OpenMP says that it read, and what a process that was told `env` tells its own children. */
function waitingWith(env: NodeJS.ProcessEnv) {
  const { OMP_WAIT_POLICY: _, GOMP_SPINCOUNT: __, ...others } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    env: { ...others, OMP_DISPLAY_ENV: 'verbose', ...env },
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  const read = (name: string) => new RegExp(`${name} = '(.*)'`).exec(stderr)?.[1]
  return { policy: read('OMP_WAIT_POLICY'), spins: read('GOMP_SPINCOUNT'), children: JSON.parse(stdout) }
}

test("the core's threads spin briefly for each other, and programs that the process starts are not told so", () => {
  expect(waitingWith({})).toEqual({ policy: 'PASSIVE', spins: '5000', children: {} })
})

test.each([
  [{ OMP_WAIT_POLICY: 'passive' }, 'PASSIVE', '0'],
  [{ GOMP_SPINCOUNT: '7' }, 'PASSIVE', '7'],
])('%o stays as it was said', (env, policy, spins) => {
  expect(waitingWith(env)).toEqual({ policy, spins, children: env })
})
