#!/usr/bin/env node
// `npm run bench`: measures the cases of cases.mjs, clipwright and its peers in turns, each trial in a process of its own. Results
// go to results/*.json after each trial, and at the end from there into RESULTS.md.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildLib } from '../scripts/build-lib.mjs'
import { buildNative } from '../scripts/build-native.mjs'
import { main, root, SetupError } from '../scripts/setup/command.mjs'
import { CASES } from './cases.mjs'

const OPTIONS = {
  list: { type: 'boolean' },
  quick: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  resume: { type: 'boolean' },
  results: { type: 'string' },
  help: { type: 'boolean' },
}

const HELP = `npm run bench -- [options]

  --list           the cases, and who takes part in them
  --quick          the quick cases, two rounds of each: about ten minutes
  --only <name>    cases whose names begin like this, such as step/ViT-B-32; may be given several times
  --peers <names>  of these alone, such as torch,open_clip; or none
  --rounds <n>     trials of each contender (default: 5, with --quick 2)
  --resume         go on with results of the same machine, versions and commit
  --results <dir>  where results go (default: bench/results, which RESULTS.md is made of)`

function asked() {
  try {
    const { values } = parseArgs({ options: OPTIONS })
    const rounds = Number(values.rounds ?? (values.quick ? 2 : 5))
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: expected a whole number of at least 1')
    return { ...values, rounds }
  } catch (error) {
    throw new SetupError(`${error.message.replace(/\.?$/, '.')} See npm run bench -- --help.`)
  }
}

await main(async () => {
  const o = asked()
  if (o.help) return console.log(HELP)
  await buildLib() // which the rest of the suite is written on
  const { selectCases, selectPeers } = await import('./suite/select.mjs')
  const cases = selectCases(CASES, { only: o.only, quick: o.quick })
  const peers = selectPeers(o.peers)
  const { listText } = await import('./suite/list.mjs')
  if (o.list) return console.log(listText(cases, peers))
  buildNative()
  const { runSuite } = await import('./suite/suite.mjs')
  const folder = o.results ?? join(root, 'bench/results')
  await runSuite(cases, { ...o, peers, folder })
  if (o.results === undefined) {
    const { writeReport } = await import('./report/page.mjs')
    await writeReport(folder)
    console.log('Tables and plots are in bench/RESULTS.md.')
  }
})
