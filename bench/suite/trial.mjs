// One trial: a process that measures one case once and prints one line of JSON.
import { spawn } from 'node:child_process'

/** What a program may take before it is ended, in minutes. */
const MINUTES = 20

/**
 * @param {string} program @param {readonly (string | number)[]} args
 * @returns {Promise<{ figures: object } | { failed: string }>} what it printed last, or why there is nothing, in one sentence
 */
export function runTrial(program, args, { env = {}, minutes = MINUTES } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args.map(String), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: minutes * 60_000,
      killSignal: 'SIGKILL',
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (text) => {
      out += text
    })
    child.stderr.on('data', (text) => {
      err = (err + text).slice(-10_000)
    })
    child.on('error', ({ message }) => resolve({ failed: `It could not be started: ${message}.` }))
    child.on('close', (code, signal) =>
      resolve(code === 0 ? parsed(out) : { failed: failure(code, signal, err, minutes) }),
    )
  })
}

function parsed(out) {
  const line = out.trim().split('\n').at(-1)
  try {
    const figures = JSON.parse(line)
    if (typeof figures === 'object' && figures !== null) return { figures }
  } catch {}
  return { failed: `It printed no figures but "${line.slice(0, 100)}".` }
}

/** A traceback ends with what happened; Node.js puts a stack and its version behind that. */
function failure(code, signal, err, minutes) {
  if (signal === 'SIGKILL')
    return `It was ended: it took more than ${minutes} minutes, or the machine had no memory left.`
  const lines = err.split('\n').map((line) => line.trim())
  const told = lines.filter((line) => line !== '' && !/^(at |Node\.js v\d)/.test(line))
  const last = told.findLast((line) => /^[\w.]*(Error|Exception)\b/.test(line)) ?? told.at(-1)
  if (!last) return `It ended with ${signal ?? `exit code ${code}`} and said nothing.`
  return last.slice(0, 300).replace(/[^.]$/, '$&.')
}
