// All cases of a run, one after the other.

import { CASES } from '../cases.mjs'
import { SUBJECTS } from '../subjects/table.mjs'
import { artefact, ensureArtefacts } from './artefacts.mjs'
import { Environments } from './environments.mjs'
import { describeMachine, isBusy } from './machine.mjs'
import { measureCase } from './measure.mjs'
import { Store } from './store.mjs'

/** @param o `folder` for the results, `peers`, `rounds`, `quick`, `resume` */
export async function runSuite(cases, { folder, peers, rounds, quick = false, resume = false }) {
  const store = new Store(folder)
  const machine = await describeMachine()
  const how = {
    ...{ machine, peers, rounds, quick, artefact, isBusy },
    environments: new Environments(),
    freeMiB: () => process.availableMemory() / 2 ** 20,
    write: (result) => store.write(result, CASES),
    say: (text) => console.log(text),
  }
  for (const row of cases) {
    await ensureArtefacts(SUBJECTS[row.subject].artefacts?.(row) ?? [])
    await measureCase(row, resume ? continued(store.find(row), machine, quick) : undefined, how)
  }
}

/** What can be gone on with: of the same machine and versions, measured in the same way. */
export function continued(result, machine, quick) {
  const same = result && result.quick === quick && JSON.stringify(result.machine) === JSON.stringify(machine)
  return same ? result : undefined
}
