// Runs suites one after another and closes with one line of totals.
import { addUp, totalLine } from './totals.mjs'

/** A suite that throws has failed once; the others still run. Sets the exit code to 1 when anything failed. */
export async function runSuites(suites) {
  const results = []
  for (const { name, run } of suites) {
    console.log(`\n== ${name}`)
    const result = await run().catch((error) => {
      console.error(`error: ${error.message}`)
      return { passed: 0, failed: 1, skipped: 0 }
    })
    results.push({ name, ...result })
  }

  console.log('')
  for (const { name, passed, failed, skipped } of results) {
    console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
  }
  const total = addUp(results)
  console.log(totalLine(total))
  process.exitCode = total.failed > 0 ? 1 : 0
}
