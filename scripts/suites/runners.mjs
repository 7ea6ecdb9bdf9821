// Runs one suite in the foreground and returns its counts: { passed, failed, skipped }.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { countCtest, countGtest, countVitest, settled } from './totals.mjs'

/** One process a test. */
export function ctest(build) {
  const report = join(build, 'junit.xml')
  rmSync(report, { force: true })
  const jobs = String(availableParallelism())
  const args = ['--test-dir', build, '--output-on-failure', '--progress', '-j', jobs, '--output-junit', report]
  return finish('ctest', args, {}, report, countCtest)
}

/**
 * One process for all of a GoogleTest program: it dies of the first error that a sanitizer finds. `env`: more variables;
 * `filter`: which tests; `under`: a program with arguments that runs it.
 */
export function gtest(program, { env = {}, filter = '*', under = [] } = {}) {
  const report = `${program}.json`
  rmSync(report, { force: true })
  const options = ['--gtest_brief=1', `--gtest_filter=${filter}`, `--gtest_output=json:${report}`]
  const [command, ...args] = [...under, program, ...options]
  return finish(command, args, env, report, (text) => countGtest(JSON.parse(text)))
}

/** Runs one project of vitest.config.ts: all of it, or the tests of `files` whose names match `tests`. */
export function vitest(project, { env = {}, files = [], tests } = {}) {
  const report = join(root, `build/vitest-${project}.json`)
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const wanted = [...files, ...(tests ? ['--testNamePattern', tests] : [])]
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, ...reporters, ...wanted]
  return finish(process.execPath, args, env, report, (text) => countVitest(JSON.parse(text)))
}

function finish(program, args, env, report, count) {
  const { status } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const counts = existsSync(report) ? count(readFileSync(report, 'utf8')) : { passed: 0, failed: 0, skipped: 0 }
  return settled(counts, status)
}
