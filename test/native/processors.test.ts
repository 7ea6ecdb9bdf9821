import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { cgroupProcessors, processors } from '../../lib/native/processors.js'
import { temporaryFolder } from '../train/pictures.js'

let roots = 0
const folder = temporaryFolder()
/** A machine of these files. */
function machine(files: Record<string, string>): string {
  const root = join(folder, `root-${roots++}`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

it.each([
  ['a group of version 2', { 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' }, 1.5],
  [
    'the group around it that allows least',
    {
      'proc/self/cgroup': '0::/a/b\n',
      'sys/fs/cgroup/a/b/cpu.max': '800000 100000\n',
      'sys/fs/cgroup/a/cpu.max': '200000 100000\n',
    },
    2,
  ],
  [
    'a container that sees its group as the root',
    { 'proc/self/cgroup': '0::/docker/1\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' },
    0.5,
  ],
  ['no limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, undefined],
  [
    'a group of version 1',
    {
      'proc/self/cgroup': '5:memory:/x\n3:cpu,cpuacct:/x\n',
      'sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us': '300000\n',
      'sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us': '100000\n',
    },
    3,
  ],
  [
    'a group of version 1 without a limit',
    {
      'proc/self/cgroup': '3:cpu:/\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    undefined,
  ],
  ['a machine without cgroups', {}, undefined],
])('reads %s', (_, files, expected) => {
  expect(cgroupProcessors(machine(files as Record<string, string>))).toBe(expected)
})

it('gives a model as many threads as may be busy', () => {
  const { visible, allowed, threads } = processors()
  expect(threads).toBe(allowed === undefined ? visible : Math.min(visible, Math.max(1, Math.ceil(allowed))))
  expect(threads).toBeGreaterThanOrEqual(1)
})
