/** What a call of the command line loads before it does anything. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../scripts/setup/command.mjs'

function loadedBy(...args: string[]): string[] {
  const program = ['--import', join(root, 'test/programs/tell-loaded.mjs'), join(root, 'dist/cli/main.js'), ...args]
  const { stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' })
  return [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, url]) => url!)
}

it('--help loads no command, and a command no other one', () => {
  const help = loadedBy('--help')
  expect(help.some((url) => url.endsWith('/dist/cli/main.js'))).toBe(true)
  // Each file is half a millisecond, zod alone 40: what all calls wait for stays small.
  expect(help.length).toBeLessThan(8)
  const doctor = loadedBy('doctor', '--help')
  expect(doctor.some((url) => url.endsWith('/dist/cli/doctor.js'))).toBe(true)
  for (const other of ['train', 'eval', 'bench', 'predict'])
    expect(doctor.some((url) => url.endsWith(`/dist/cli/${other}.js`))).toBe(false)
})

it.each([
  ['help', 'doctor'],
  ['--verbose', 'doctor', '--help'],
  ['doctor', '-h'],
])('%s %s finds the command', (...args) => {
  const out = execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { encoding: 'utf8' })
  expect(out).toContain('Usage: clipwright doctor [options]')
  expect(out).toContain('--json')
})
