/** The kit's driver with scripts in place of programs, card and torch: what it makes of a machine that lacks something. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Rig } from './kit.js'

let rig: Rig
beforeEach(() => {
  rig = new Rig().fake()
})
afterEach(() => rig.remove())

describe('a machine that has everything', () => {
  it('runs every stage, alternates with the peers and compares the medians', async () => {
    rig.torch()
    rig.smi()
    rig.installed('cc', 'exit 0')
    const { code, results, stage, stdout } = await rig.run('--small')
    expect(stdout).toContain('total: ')
    expect(code, stdout).toBe(0)
    expect(results).toMatchObject({ complete: true, passed: true })
    expect(stage('conformance')).toMatchObject({ status: 'passed', passed: 2, failed: 0 })
    const [step] = results.steps
    expect(step!.clipwright).toMatchObject({ pairsPerSecond: 200, pairsPerSecondAll: [200] })
    expect(step!.open_clip).toMatchObject({ pairsPerSecond: 100 })
    expect(stdout).toContain('open_clip 100 (clipwright is 2.00 times as fast)')
    expect(results.losses[0]!.open_clip).toMatchObject({ ms: 4 })
    expect(results.attentions[0]).toMatchObject({
      clipwright: { forwardMs: 2 },
      PyTorch: { forwardMs: 1, backwardMs: 8 },
    })
    expect(results.profiles[0]!.ops).toHaveLength(1)
    expect(stage('sanitizer')).toMatchObject({
      status: 'skipped',
      said: [expect.stringContaining('compute-sanitizer is neither')],
    })
    expect(readFileSync(join(rig.out, 'log.txt'), 'utf8')).toContain('== summary')
  })

  it("names torch's own cuBLASLt to the programs", async () => {
    rig.torch()
    rig.write('site/nvidia/cublas/lib/libcublasLt.so.12', '')
    const library = rig.write('site/nvidia/cu13/lib/libcublasLt.so.13', '')
    const { results } = await rig.run('--small', '--stages', 'conformance')
    expect(results.machine.cublasLt).toBe(library)
  })
})

describe('a machine on which nothing of ours can run', () => {
  it.each([
    ['an old driver', { driver: '535.104.05' }, 'the NVIDIA driver is 535.104.05, and 580 or newer is needed'],
    [
      'a driver so old that it knows no compute_cap',
      { driver: '470.82', capability: '' },
      'the NVIDIA driver is 470.82',
    ],
    ['an old card', { capability: '7.5' }, 'Fake has compute capability 7.5, and 8 (A100) or newer is needed'],
  ])('%s', async (_, machine, sentence) => {
    rig.smi(machine)
    const { code, stdout, stage } = await rig.run('--small')
    expect(code).toBe(1)
    expect(stdout).toContain(`error: nothing ran on a card: ${sentence}`)
    expect(stage('device').status).toBe('failed')
    expect(stage('conformance')).toMatchObject({ status: 'skipped' })
  })

  it('no driver', async () => {
    rig.program('ops_bench', `echo '{"problem": "this machine has no NVIDIA driver (libcuda.so.1)", "cards": []}'`)
    const { code, stdout } = await rig.run('--small')
    expect(code).toBe(1)
    expect(stdout).toContain('error: nothing ran on a card: this machine has no NVIDIA driver')
  })

  it('fails also when the programs do not start', async () => {
    rig.program('ops_bench', 'echo "libgomp.so.1: cannot open shared object file" >&2; exit 127')
    const { code, stdout } = await rig.run('--small')
    expect(code).toBe(1)
    expect(stdout).toContain('ops_bench says nothing of the card: exit code 127: libgomp.so.1: cannot open')
  })
})

describe('a machine without peers', () => {
  it.each([
    [
      'no torch',
      () => rig.write('site/torch/__init__.py', 'raise ImportError("broken")'),
      'has no usable torch \\(ImportError: broken\\)',
    ],
    ['torch without CUDA', () => rig.torch({ cuda: 'None' }), 'torch 2.11.0 of .* is built without CUDA'],
    ['torch that finds no card', () => rig.torch({ card: 'False' }), 'torch 2.11.0 of .* finds no card'],
    [
      'no torchvision',
      () => {
        rig.torch()
        rig.write('site/torchvision.py', 'import nothing_here')
      },
      'cannot import torchvision',
    ],
  ])('%s: ours run, and the peers say why not', async (_, prepare, sentence) => {
    prepare()
    const { code, results } = await rig.run('--small', '--stages', 'steps,loss')
    expect(code).toBe(0)
    expect(results.steps[0]!.clipwright.pairsPerSecond).toBe(200)
    for (const row of [results.steps[0]!, results.losses[0]!]) {
      expect(row.open_clip).toEqual({ why: expect.stringMatching(`^no peer is measured: .*${sentence}`) })
    }
  })

  it('no compiler: only torch.compile is left out', async () => {
    rig.torch()
    const { code, results } = await rig.run('--small', '--stages', 'steps')
    expect(code).toBe(0)
    expect(results.steps[0]!.open_clip).toMatchObject({ pairsPerSecond: 100 })
    expect(results.steps[0]!['open_clip compiled']).toEqual({
      why: expect.stringContaining('needs a C compiler, and there is none on the PATH'),
    })
  })

  it('a peer that has too little memory, and one that dies', async () => {
    rig.torch()
    rig.write('peers/step_open_clip.py', `import sys\nsys.exit("torch.OutOfMemoryError: CUDA out of memory.")\n`)
    rig.write('peers/ops_torch.py', `import sys\nsys.stdin.readline()\nsys.exit("no kernel")\n`)
    const { code, results } = await rig.run('--small', '--stages', 'steps,loss')
    expect(code).toBe(0)
    expect(results.steps[0]!.open_clip).toEqual({ why: 'out of memory' })
    expect(results.losses[0]!.open_clip).toEqual({ why: 'it ended: no kernel' })
    expect(results.losses[0]!.clipwright.ms).toBe(2)
  })
})

describe('tests that go wrong', () => {
  it('fails, and names the test and what it said', async () => {
    rig.suite('conformance_cuda', { 'A.one': 'ok', 'A.two': 'fails', 'B.three': 'ok' })
    const { code, stage, stdout } = await rig.run('--small', '--stages', 'conformance')
    expect(code).toBe(1)
    expect(stage('conformance')).toMatchObject({
      status: 'failed',
      passed: 2,
      failed: 1,
      failures: [{ test: 'A.two', lines: ['where: it is wrong'] }],
    })
    expect(stdout).toContain('failed: A.two')
  })

  it('goes on after a test that ends the process, which alone has failed', async () => {
    rig.suite('conformance_cuda', { 'A.one': 'ok', 'A.two': 'dies', 'B.three': 'ok', 'B.four': 'dies', 'B.five': 'ok' })
    const { stage, stdout } = await rig.run('--small', '--stages', 'conformance')
    expect(stage('conformance')).toMatchObject({ status: 'failed', passed: 3, failed: 2 })
    expect(stage('conformance').missing).toBeUndefined()
    expect(stdout).toContain('a process died in A.two: ended by signal 11')
  })

  it('tells a test that a card does not recover from by running the others again, alone', async () => {
    const following = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`B.test${i}`, 'ok' as const]))
    rig.suite('conformance_cuda', { 'A.one': 'poisons', ...following })
    const { stage } = await rig.run('--small', '--stages', 'conformance')
    expect(stage('conformance')).toMatchObject({
      status: 'failed',
      passed: 40,
      failed: 1,
      failures: [{ test: 'A.one' }],
    })
    expect(stage('conformance').after_others!.length).toBeGreaterThan(0)
  })

  it('an error of the card is blamed on no other test, however many follow, and compute-sanitizer looks at it', async () => {
    const following = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`B.test${i}`, 'ok' as const]))
    rig.suite('conformance_cuda', { 'A.one': 'breaks', ...following, 'C.one': 'breaks', 'C.two': 'fails' })
    rig.installed('compute-sanitizer', 'shift 4; echo "========= Invalid read"; exec "$@"')
    const { stage, results } = await rig.run('--small', '--stages', 'conformance,sanitizer')
    const found = stage('conformance')
    expect(found).toMatchObject({ status: 'failed', passed: 300, failed: 3 })
    expect([found.after_others, found.missing]).toEqual([undefined, undefined])
    // Run alone, each launch is waited for.
    const broken = 'cudaStreamQuery failed: misaligned address1'
    expect(found.failures).toContainEqual({ test: 'A.one', lines: [expect.stringContaining(broken)] })
    expect(results.sanitized['memcheck, conformance_cuda, what failed']).toMatchObject({ failed: 3 })
  })

  it('fails a program that names no test, and one that cannot list them', async () => {
    rig.suite('conformance_cuda', {})
    rig.program('units_cuda', 'exit 3')
    const { code, stage } = await rig.run('--small', '--stages', 'conformance,sessions')
    expect(code).toBe(1)
    expect(stage('conformance').said[0]).toContain('has no test that')
    expect(stage('sessions').said[0]).toContain('lists no tests: exit code 3')
  })
})

describe('time and disk', () => {
  it('kills a stage whose time is up with all that it started, and goes on', async () => {
    rig.suite('units_cuda', { 'A.zero': 'ok', 'A.one': 'hangs', 'A.two': 'ok' })
    rig.write(
      'bin/units_cuda.py',
      readFileSync(join(rig.kit, 'bin/units_cuda.py'), 'utf8').replace('sleep 1000', 'sleep 987.125'),
    )
    const { code, stage, results } = await rig.run('--small', '--minutes', '0.2', '--stages', 'sessions,loss')
    expect(code).toBe(1)
    expect(stage('sessions')).toMatchObject({ status: 'failed', failed: 1 })
    expect(stage('sessions').failures![0]!.lines.at(-1)).toMatch(/^alone, it was stopped after/)
    expect(stage('loss').status).toBe('passed')
    expect(results.complete).toBe(true)
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain('987.125')
  })

  it('a figure that does not come in time is missing, and no test has failed', async () => {
    rig.torch()
    rig.write('peers/ops_torch.py', 'import time\ntime.sleep(1000)\n')
    const { code, stage, results } = await rig.run('--small', '--minutes', '0.2', '--stages', 'loss,attention')
    expect(code).toBe(0)
    expect(results.losses[0]!.open_clip).toEqual({ why: expect.stringMatching(/^it was stopped after/) })
    expect(stage('attention').status).toBe('passed')
  })

  it('says that the disk takes nothing, runs all the same and prints what it would have written', async () => {
    mkdirSync(rig.out)
    for (const name of ['log.txt', 'results.json.part']) symlinkSync('/dev/full', join(rig.out, name))
    const { code, stderr, stdout } = await rig.run('--small', '--stages', 'conformance')
    expect(code).toBe(0)
    expect(stderr).toMatch(/results.json could not be written to .* \(No space left on device\); the run goes on/)
    expect(stderr).toContain('log.txt could not be written')
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ complete: true, passed: true })
  })

  it('a folder that cannot be made is the same', async () => {
    writeFileSync(rig.out, 'a file')
    const { code, stderr } = await rig.run('--small', '--stages', 'conformance')
    expect(code).toBe(0)
    expect(stderr).toContain('could not be written')
  })

  it('refuses stages that it does not have', async () => {
    const { code, stderr } = await rig.run('--stages', 'step')
    expect(code).toBe(2)
    expect(stderr).toContain('got step')
  })
})
