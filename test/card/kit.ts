/** Kits to be run in tests: with the real programs over the emulated card, or with scripts in place of everything. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from '../programs/program.js'

const scripts = join(import.meta.dirname, '../../scripts/card')

/** What a machine has beside Python: no Node, no compiler. */
const BASE = ['sh', 'env', 'dirname', 'nice', 'sleep', 'cat', 'printf']

export type Stage = {
  name: string
  status: 'passed' | 'failed' | 'skipped' | 'cut'
  said: string[]
  passed?: number
  failed?: number
  missing?: number
  after_others?: string[]
  failures?: { test: string; lines: string[] }[]
}
type Column = { why?: string; last?: unknown; [figure: string]: unknown }
export type Row = { what: string; rounds: number; clipwright: Column; [peer: string]: unknown }
export type Results = {
  complete: boolean
  passed: boolean
  small: boolean
  stages: Stage[]
  steps: Row[]
  losses: Row[]
  attentions: Row[]
  products: Row[]
  sanitized: Record<string, Stage>
  profiles: { model: string; ops: { name: string; calls: number; launches: number; ms: number }[] }[]
  machine: { cards: Record<string, string>[]; software: Record<string, unknown>; cublasLt: string | null }
}

/** A folder with a kit, a PATH of its own and nothing else; removed by `remove`. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'clipwright-kit-'))
  readonly kit = join(this.folder, 'kit')
  readonly out = join(this.folder, 'out')
  readonly bin = join(this.folder, 'path')
  readonly env: Record<string, string> = {}

  constructor() {
    mkdirSync(this.bin)
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
    symlinkSync(python, join(this.bin, 'python3'))
    for (const name of BASE)
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(this.bin, name))
  }

  /** A kit whose programs are scripts that `program` writes. */
  fake(): this {
    for (const folder of ['bin', 'peers', 'site', 'goldens']) mkdirSync(join(this.kit, folder), { recursive: true })
    cpSync(join(scripts, 'kit'), join(this.kit, 'kit'), { recursive: true })
    cpSync(join(scripts, 'run.sh'), join(this.kit, 'run.sh'))
    const about = { clipwright: '0', commit: null, leastDriver: '580', leastCapability: 8 }
    this.write('kit.json', JSON.stringify(about))
    this.write('models.txt', '')
    this.program(
      'ops_bench',
      `case $1 in describe) echo '{"problem": "", "cards": [{"name": "Fake"}]}';; *) echo '{"ms": 2, "forwardMs": 2, "backwardMs": 4}';; esac`,
    )
    this.program(
      'step_bench',
      `echo '{"pairsPerSecond": 200, "stepMs": 5, "ops": [{"name": "linear", "calls": 3, "launches": 3, "ms": 1}]}'`,
    )
    for (const name of ['conformance_cuda', 'units_cuda']) this.suite(name, { 'A.one': 'ok', 'A.two': 'ok' })
    return this
  }

  write(path: string, text: string): string {
    const file = join(this.kit, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    return file
  }

  /** Of the kit. */
  program(name: string, body: string): void {
    chmodSync(this.write(`bin/${name}`, `#!/bin/sh\n${body}\n`), 0o755)
  }

  /** Of the machine. */
  installed(name: string, body: string): void {
    const file = join(this.bin, name)
    writeFileSync(file, `#!/bin/sh\n${body}\n`)
    chmodSync(file, 0o755)
  }

  /**
   * A script that behaves as a GoogleTest program. 'poisons': fails, and so does all that runs after it in the process; so does
   * 'breaks', and says that it is the card.
   */
  suite(name: string, tests: Record<string, 'ok' | 'fails' | 'dies' | 'poisons' | 'breaks' | 'hangs'>): void {
    const python = `import os, signal, sys, time
tests = ${JSON.stringify(tests)}
wanted = [a.split("=", 1)[1] for a in sys.argv if a.startswith("--gtest_filter=")][0].split(":")
if "--gtest_list_tests" in sys.argv:
    suites = {}
    for test in tests:
        suites.setdefault(test.split(".")[0], []).append(test.split(".")[1])
    for suite, names in suites.items():
        print(suite + ".")
        for one in names:
            print("  " + one + "  # GetParam() = 1")
    sys.exit(0)
poisoned = broken = False
for test, how in tests.items():
    if test not in wanted:
        continue
    print("[ RUN      ] " + test, flush=True)
    poisoned = poisoned or how == "poisons"
    if how == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hangs":
        os.system("sleep 1000")
    if broken:
        print("[cuda:0] was closed by an earlier error: ...")
    elif how == "breaks":
        print("[cuda] cudaStreamQuery failed: misaligned address" + os.environ.get("CUDA_LAUNCH_BLOCKING", ""))
    broken = broken or how == "breaks"
    bad = poisoned or broken or how == "fails"
    if bad and not broken:
        print("where: it is wrong")
    print(("[  FAILED  ] " if bad else "[       OK ] ") + test + " (1 ms)", flush=True)
sys.exit(1 if poisoned or broken or "fails" in [tests[t] for t in wanted if t in tests] else 0)
`
    this.write(`bin/${name}.py`, python)
    this.program(name, `exec python3 "$(dirname "$0")/${name}.py" "$@"`)
  }

  /** A torch and what open_clip needs, to be imported; the peers' scripts answer at once. */
  torch({ cuda = '"13.0"', card = 'True' } = {}): void {
    this.write(
      'site/torch/__init__.py',
      `__version__ = "2.11.0"\nclass version:\n    cuda = ${cuda}\nclass cuda:\n    is_available = staticmethod(lambda: ${card})\n    get_device_name = staticmethod(lambda i: "Fake")\n`,
    )
    for (const name of ['torchvision', 'regex', 'open_clip', 'triton'])
      this.write(`site/${name}.py`, '__version__ = "1"\n')
    this.write('peers/step_open_clip.py', `print('{"pairsPerSecond": 100, "stepMs": 10}')\n`)
    this.write(
      'peers/ops_torch.py',
      `import sys\nfor line in sys.stdin:\n    print('{"ms": 4, "forwardMs": 1, "backwardMs": 8}', flush=True)\n`,
    )
  }

  /** `nvidia-smi` of a machine with one card. */
  smi({ driver = '580.65.06', capability = '9.0' } = {}): void {
    this.installed(
      'nvidia-smi',
      `case $1 in *compute_cap*) ${capability ? `echo 'Fake, ${driver}, ${capability}, 143771, 4, 1980, 3201, 1980, 3201, 700.00, 31'` : 'echo unknown field; exit 2'};; *) echo 'Fake, ${driver}, 143771';; esac`,
    )
  }

  /** Runs it with an environment of nothing but the PATH and `env`. */
  async run(...args: string[]) {
    const env = { PATH: this.bin, TMPDIR: this.folder, ...this.env }
    const words = ['-i', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), join(this.kit, 'run.sh')]
    const ended = await new Program('env', [...words, '--out', this.out, ...args], {
      cwd: this.folder,
      timeout: 200_000,
    }).ended
    const file = join(this.out, 'results.json')
    const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined
    return {
      ...ended,
      results: results!,
      stage: (name: string) => results!.stages.find((stage) => stage.name === name)!,
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
