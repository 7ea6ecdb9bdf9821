import { expect, it } from 'vitest'
import { machineText } from '../../lib/cli/doctor.js'
import type { Machine } from '../../lib/native/machine.js'
import { clipwright } from './model-and-pictures.js'

const machine: Machine = {
  clipwright: '0.1.0',
  node: '20.19.0',
  platform: 'linux-x64',
  device: 'cpu',
  cpu: {
    model: 'A processor',
    threads: 2,
    processors: 16,
    cgroupProcessors: 1.5,
    isa: 'avx2',
    fastBf16: false,
    onednn: '3.2.0',
  },
  memory: { totalMiB: 64000, freeMiB: 32000, cgroupMiB: 4096 },
  cuda: { driver: null, runtime: null, cublaslt: null, cards: [], problem: 'no driver' },
}

it('says what a cgroup allows where that is less than the machine has', () => {
  const text = machineText(machine)
  expect(text).toContain('A processor, 2 threads, kernels for avx2')
  expect(text).toContain('of 16 processors the cgroup allows 1.5\n')
  expect(text).toContain('32000 of 64000 MiB free; the cgroup allows 4096 MiB\n')
})

it('says nothing of a cgroup that allows as much', () => {
  const cpu = { ...machine.cpu, threads: 16, cgroupProcessors: 32 }
  expect(machineText({ ...machine, cpu, memory: { ...machine.memory, cgroupMiB: null } })).not.toContain('cgroup')
})

it('breaks what is longer than 80 columns between words, below its beginning', () => {
  const model = 'Intel(R) Xeon(R) Platinum 8581C CPU @ 2.30GHz (Emerald Rapids)'
  const problem = '/opt/somewhere/clipwright_cuda.so does not load: libcuda.so.1: cannot open shared object file'
  const text = machineText({ ...machine, cpu: { ...machine.cpu, model }, cuda: { ...machine.cuda, problem } })
  const lines = text.split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(lines[1]).toMatch(/^processor {2}Intel/)
  expect(lines[2]).toMatch(/^ {11}\S.*oneDNN 3\.2\.0$/)
  expect(text.replace(/\n {11}/g, ' ')).toContain(problem)
})

it('has as many threads as a model gets, of the processors there are', async () => {
  const { cpu } = JSON.parse((await clipwright('doctor', '--json')).stdout)
  expect(cpu.threads).toBeGreaterThanOrEqual(1)
  expect(cpu.threads).toBeLessThanOrEqual(cpu.processors)
  expect(cpu).toHaveProperty('cgroupProcessors')
})
