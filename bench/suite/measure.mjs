// One case: its contenders one after the other, round by round, so that all see the same minutes of the machine.
import { SUBJECTS } from '../subjects/table.mjs'
import { nameOf } from './name.mjs'
import { runTrial } from './trial.mjs'

/**
 * Goes on with the trials that `before` has, if it has.
 * @param {object} o `environments`, `artefact`, `machine`, `peers` (names), `rounds`, `quick`, `freeMiB()`, `isBusy()`,
 *   `write(result)` after each trial, `say(text)`
 * @returns {Promise<import('./store.mjs').Result>}
 */
export async function measureCase(row, before, o) {
  const result = before ?? {
    name: nameOf(row),
    row,
    machine: o.machine,
    date: new Date().toISOString().slice(0, 10),
    quick: o.quick,
    contenders: {},
  }
  const contenders = await takePart(row, result, o)
  for (let round = 0; round < o.rounds; round++) {
    for (const { who, command } of contenders) {
      const its = result.contenders[who]
      if (its.failed !== undefined || its.trials.length > round) continue
      if (await o.isBusy()) result.busy = true
      const trial = await runTrial(command.program, command.args, { env: command.env })
      if ('failed' in trial) its.failed = trial.failed
      else its.trials.push(trial.figures)
      o.write(result)
      o.say(`${result.name}  ${who} ${round + 1}/${o.rounds}  ${said(row, trial)}`)
    }
  }
  return result
}

/** Those that can be run, with their commands; of the others the result says why not. */
async function takePart(row, result, o) {
  const running = []
  for (const [who, { environment, args, needsMiB }] of Object.entries(SUBJECTS[row.subject].contenders)) {
    const wanted = (who === 'clipwright' || o.peers.includes(who)) && args(row, o)
    if (!wanted) continue
    const its = { trials: [], ...result.contenders[who] }
    result.contenders[who] = its
    // What could not be done then is tried again.
    delete its.failed
    delete its.skipped
    const [needed, free] = [needsMiB?.(row) ?? 0, o.freeMiB()]
    if (needed > free) {
      its.skipped = `It needs about ${Math.round(needed)} MiB, and ${Math.round(free)} MiB are free.`
      o.say(`${result.name}  ${who}  skipped: ${its.skipped}`)
      continue
    }
    const opened = await o.environments.open(environment)
    if ('failed' in opened) {
      its.failed = opened.failed
      o.say(`${result.name}  ${who}  ${its.failed}`)
      continue
    }
    const [program, ...rest] = wanted
    running.push({ who, command: opened.command(program, rest) })
  }
  o.write(result)
  return running
}

function said(row, trial) {
  if ('failed' in trial) return trial.failed
  return SUBJECTS[row.subject].figures
    .filter(({ key }) => Number.isFinite(trial.figures[key]))
    .map(({ key, unit }) => `${Number(trial.figures[key].toPrecision(4))} ${unit}`)
    .join(', ')
}
