// Runs one suite in the foreground and returns its counts: { passed, failed, skipped }.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { countCtest, countVitest, settled } from './totals.mjs'

/** `options` are further arguments for ctest, `env` further variables. */
export function ctest(build, { options = [], env = {} } = {}) {
  const report = join(build, 'junit.xml')
  rmSync(report, { force: true })
  const jobs = String(availableParallelism())
  const args = [
    '--test-dir',
    build,
    '--output-on-failure',
    '--progress',
    '-j',
    jobs,
    '--output-junit',
    report,
    ...options,
  ]
  return finish('ctest', args, env, report, countCtest)
}

/** Runs one project of vitest.config.ts; `files` narrow it down. */
export function vitest(project, { files = [], env = {} } = {}) {
  const report = join(root, `build/vitest-${project}.json`)
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, ...reporters, ...files]
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
