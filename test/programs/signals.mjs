// Waits for signals as a command does, and says what came of them.
import { handleOutputErrors } from '../../dist/cli/output.js'
import { stopOnSignals } from '../../dist/cli/signals.js'

handleOutputErrors()
const stop = () => {
  setTimeout(() => {
    console.log(interrupted() ? 'saved' : 'lost')
    process.exit(0)
  }, Number(process.argv[2]))
}
const interrupted = stopOnSignals({ stop, save: () => console.log(interrupted() ? 'ending' : 'going on') })
setTimeout(() => process.exit(3), 20_000)
console.log('ready')
