/** `clipwright bench`: how fast this machine is. */
import type { Command } from 'commander'
import { addBenchData } from './bench/data.js'
import { addBenchDist } from './bench/dist.js'
import { addBenchGemm } from './bench/gemm.js'
import { addBenchInfer } from './bench/infer.js'
import { addBenchLoss } from './bench/loss.js'
import { addBenchProfile } from './bench/profile.js'
import { addBenchStep } from './bench/step.js'
import { addBenchTokenizer } from './bench/tokenizer.js'
import { examples } from './examples.js'

export function addBench(bench: Command): void {
  bench.addHelpText('after', examples('bench step --model ViT-B-32 --batch-size 64 --precision bf16', 'bench profile'))
  const subjects = [
    addBenchStep,
    addBenchInfer,
    addBenchLoss,
    addBenchData,
    addBenchTokenizer,
    addBenchGemm,
    addBenchProfile,
    addBenchDist,
  ]
  for (const add of subjects) add(bench)
}
