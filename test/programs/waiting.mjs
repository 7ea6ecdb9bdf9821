// Loads the core and tells what this process's children would be told of how OpenMP's threads wait.
import { examineMachine } from '../../dist/index.js'

await examineMachine()
const { OMP_WAIT_POLICY, GOMP_SPINCOUNT } = process.env
console.log(JSON.stringify({ OMP_WAIT_POLICY, GOMP_SPINCOUNT }))
