// What was to be reached and what was; of steps that fall short, what stands between.
import { SUBJECTS } from '../subjects/table.mjs'
import { labelOf } from '../suite/name.mjs'
import { TARGETS } from '../targets.mjs'
import { digits, table } from './markdown.mjs'

const TITLE = '### Targets'
const ABOUT =
  'Ratios of medians within these results. A target of a peer is by how many times clipwright is to be as good, of its memory what share is to be taken at most.'
/** Operations of a profile that are named. */
const NAMED = 5
/** What is a product, in a profile. */
const isProduct = ({ name }) => name.startsWith('linear')

/** Markdown; undefined where no target's case was measured. @param bySubject results */
export function targetsOf(bySubject, targets = TARGETS) {
  const byName = new Map(
    Object.values(bySubject)
      .flat()
      .map((result) => [result.name, result]),
  )
  const told = targets.filter(({ name }) => byName.has(name)).map((target) => read(target, byName))
  if (told.length === 0) return undefined
  const rows = told.map(({ result, what, aim, value, unit, reached }) => [
    `${result.row.subject}: ${labelOf(result.row)}`,
    what,
    aim,
    value === undefined ? 'not measured' : `${digits(value)}${unit}`,
    value === undefined ? '' : reached ? 'yes' : '**no**',
  ])
  const short = told.filter(
    ({ result, value, reached }) => value !== undefined && !reached && result.row.subject === 'step',
  )
  const cases = [...new Set(short.map(({ result }) => result))]
  return [
    TITLE,
    ABOUT,
    table(['target of', 'what', 'target', 'measured', 'reached'], rows),
    ...cases.map((result) => between(result, byName)),
  ].join('\n\n')
}

function read(target, byName) {
  const result = byName.get(target.name)
  const { figures } = SUBJECTS[result.row.subject]
  const key = target.figure ?? figures[0].key
  const { title = 'GFLOP/s', unit = 'GFLOP/s', higher = true } = figures.find((figure) => figure.key === key) ?? {}
  const least = result.machine.isa === 'amx' ? (target.amx ?? target.atLeast) : target.atLeast
  const found = measured(target, result, byName, key, higher)
  const suffix = target.peers || target.of ? ' ×' : ` ${unit}`
  return {
    result,
    what: `${title}${found.beside ? ` beside ${found.beside}` : ''}`,
    aim: least === undefined ? `≤ ${digits(target.atMost)}${suffix}` : `≥ ${digits(least)}${suffix}`,
    value: found.value,
    unit: suffix,
    reached: least === undefined ? found.value <= target.atMost : found.value >= least,
  }
}

function measured({ peers, than, of, atMost }, result, byName, key, higher) {
  const own = medianOf(result, 'clipwright', key)
  if (of !== undefined) {
    const other = byName.get(of)
    const whole = other && medianOf(other, 'clipwright', key)
    return { value: own === undefined || whole === undefined ? undefined : own / whole, beside: of }
  }
  if (!peers) return { value: own }
  const beside = than === undefined ? result : byName.get(than)
  const theirs = peers
    .map((peer) => ({ peer, its: beside && medianOf(beside, peer, key) }))
    .filter(({ its }) => its !== undefined)
    .sort((a, b) => (higher ? b.its - a.its : a.its - b.its))
  const [best] = theirs
  const name = `${best?.peer ?? peers.join(' and ')}${than === undefined ? '' : ` in ${than}`}`
  if (!best || own === undefined) return { value: undefined, beside: name }
  // A share of what they take; otherwise how many times as good.
  return { value: atMost !== undefined || higher ? own / best.its : best.its / own, beside: name }
}

/** Of a step: what its products take alone, and which operations are the rest. */
function between({ row, contenders }, byName) {
  const { model, precision, tokens, batchSize } = row
  const sizes = [model, precision, `${tokens}-tokens`, `${batchSize}-pairs`].join('/')
  const trial = contenders.clipwright.trials.at(-1)
  const [alone, profile] = ['gemm', 'profile'].map((subject) => byName.get(`${subject}/${sizes}`))
  const rate = alone && medianOf(alone, 'clipwright', 'gflops')
  const floor =
    rate === undefined || trial.gflops === undefined
      ? `what its products take alone was not measured (\`npm run bench -- --only gemm/${sizes}\`)`
      : `its ${trial.stepMs.toFixed(0)} ms do at ${trial.gflops.toFixed(0)} GFLOP/s what the products alone do at ${rate.toFixed(0)}, in ${((trial.stepMs * trial.gflops) / rate).toFixed(0)} ms, which is the floor`
  const ops = profile?.contenders.clipwright?.trials.at(-1)
  const rest = ops?.ops
    ? `of a profiled step products take ${percent(sum(ops.ops.filter(isProduct)))}, and then ${ops.ops
        .filter((op) => !isProduct(op))
        .sort((a, b) => b.ms - a.ms)
        .slice(0, NAMED)
        .map(({ name, share }) => `\`${name}\` ${percent(share)}`)
        .join(', ')}`
    : `where it goes was not measured (\`npm run bench -- --only profile/${sizes}\`)`
  return `What stands between, ${labelOf(row)}: ${floor}; ${rest}.`
}

const medianOf = ({ contenders }, who, key) => {
  const its = contenders[who]
  return its?.summary?.[key]?.median ?? middle(its?.trials ?? [], key)
}

/** Of what no table shows. */
function middle(trials, key) {
  const values = trials
    .map((trial) => trial[key])
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  return values.length > 0 ? (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2 : undefined
}

const sum = (ops) => ops.reduce((total, { share }) => total + share, 0)
const percent = (share) => `${(100 * share).toFixed(1)} %`
