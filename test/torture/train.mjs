// Trains with the options of its argument, as JSON, and prints how that ended: a code, a message and the warnings.
import { train } from 'clipwright'

const warnings = []
try {
  const run = train(JSON.parse(process.argv[2]))
  for await (const event of run) if (event.type === 'warning') warnings.push(`${event.code}: ${event.message}`)
  console.log(JSON.stringify({ code: 'done', warnings }))
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message, warnings }))
}
