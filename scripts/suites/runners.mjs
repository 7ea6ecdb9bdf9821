// Runs one suite in the foreground and returns its counts: { passed, failed, skipped }.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { addUp, countGtest, countVitest, settled } from './totals.mjs'

/**
 * One process for all of a GoogleTest program: it dies of the first error that a sanitizer finds. `env`: more variables;
 * `filter`: which tests; `under`: a program with arguments that runs it.
 */
export function gtest(program, { env = {}, filter = '*', under = [] } = {}) {
  const report = `${program}.json`
  const [command, ...args] = [...under, program, ...gtestOptions(filter, report)]
  return finish(command, args, env, report, countGtestReport)
}

/** The same, shared out among as many processes as there are processors. */
export async function gtestInShards(program, { env = {}, filter = '*' } = {}) {
  const shards = availableParallelism()
  const one = async (_, index) => {
    const report = `${program}.${index}.json`
    const shard = { GTEST_TOTAL_SHARDS: String(shards), GTEST_SHARD_INDEX: String(index) }
    const running = spawn(program, gtestOptions(filter, report), settings({ ...env, ...shard }))
    const [status] = await once(running, 'close')
    return counted(report, countGtestReport, status)
  }
  return addUp(await Promise.all(Array.from({ length: shards }, one)))
}

function gtestOptions(filter, report) {
  rmSync(report, { force: true })
  return ['--gtest_brief=1', `--gtest_filter=${filter}`, `--gtest_output=json:${report}`]
}

function countGtestReport(text) {
  return countGtest(JSON.parse(text))
}

/** Runs one project of vitest.config.ts, or several by a name with a star: all of it, or the tests of `files` whose names match `tests`. */
export function vitest(project, { env = {}, files = [], tests } = {}) {
  const report = join(root, `build/vitest-${project.replace('*', '')}.json`)
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const wanted = [...files, ...(tests ? ['--testNamePattern', tests] : [])]
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, ...reporters, ...wanted]
  return finish(process.execPath, args, env, report, (text) => countVitest(JSON.parse(text)))
}

function finish(program, args, env, report, count) {
  const { status } = spawnSync(program, args, settings(env))
  return counted(report, count, status)
}

/** Passive: suites that run side by side have more OpenMP threads than there are processors, and spinning ones starve each other. */
function settings(env) {
  return {
    cwd: root,
    env: { OMP_WAIT_POLICY: 'passive', ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  }
}

function counted(report, count, status) {
  const counts = existsSync(report) ? count(readFileSync(report, 'utf8')) : { passed: 0, failed: 0, skipped: 0 }
  return settled(counts, status)
}
