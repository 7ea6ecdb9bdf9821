/** What this machine offers, and what of it is used. */
import { arch, cpus, platform, totalmem } from 'node:os'
import { packageVersion } from '../base/version.js'
import { callNative, native } from './addon.js'
import { processors } from './processors.js'

/** A card that computes. */
export type Card = {
  /** As `device` takes it. */
  device: string
  name: string
  computeCapability: string
  memoryMiB: number
  freeMiB: number
}

/** What a machine offers, and what of it is used. */
export type Machine = {
  /** This package's version. */
  clipwright: string
  node: string
  platform: string
  /** What `device: 'auto'` means here. */
  device: string
  /**
   * `threads`: how many a model has by default. `processors`: how many the process sees; `cgroupProcessors`: what its cgroup's
   * quota comes to, null without. `isa`: the kernels that are used. `fastBf16`: whether bf16 is faster than fp32. `onednn`: its version.
   */
  cpu: {
    model: string
    threads: number
    processors: number
    cgroupProcessors: number | null
    isa: string
    fastBf16: boolean
    onednn: string
  }
  /** `freeMiB`: what this process may still take, by its cgroup, too. `cgroupMiB`: what that allows, null where it is no less than the machine has. */
  memory: { totalMiB: number; freeMiB: number; cgroupMiB: number | null }
  /** Versions, null where there is none; `problem`: why no card can be used, null when one can. */
  cuda: {
    driver: string | null
    runtime: string | null
    cublaslt: string | null
    cards: Card[]
    problem: string | null
  }
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

/**
 * Looks at processor, memory, CUDA driver, cards and libraries, and at what is missing.
 * @throws ClipwrightError ERR_UNSUPPORTED where no binary fits this platform
 */
export async function examineMachine(): Promise<Machine> {
  const { isa, fastBf16, onednn, availableMemory, cgroupMemory } = native().info()
  const { visible, allowed, threads } = processors()
  const cuda = await callNative(() => native().describeCuda())
  const cards = cuda.cards.map(({ name, bytes, freeBytes, computeCapability }, i) => ({
    device: `cuda:${i}`,
    name,
    computeCapability,
    memoryMiB: mebibytes(bytes),
    freeMiB: mebibytes(freeBytes),
  }))
  return {
    clipwright: packageVersion(),
    node: process.versions.node,
    platform: `${platform()}-${arch()}`,
    device: cuda.problem ? 'cpu' : 'cuda:0',
    cpu: {
      model: cpus()[0]?.model ?? 'unknown',
      threads,
      processors: visible,
      cgroupProcessors: allowed ?? null,
      isa,
      fastBf16,
      onednn,
    },
    memory: {
      totalMiB: mebibytes(totalmem()),
      freeMiB: mebibytes(availableMemory),
      cgroupMiB: cgroupMemory > 0 && cgroupMemory < totalmem() ? mebibytes(cgroupMemory) : null,
    },
    cuda: {
      driver: cuda.driver || null,
      runtime: cuda.runtime || null,
      cublaslt: cuda.cublaslt || null,
      cards,
      problem: cuda.problem || null,
    },
  }
}
