// Goes on with a run and prints how that ended: a code and, if it failed, a message.
import { train } from 'clipwright'

try {
  await train({ resume: process.argv[2] }).result
  console.log(JSON.stringify({ code: 'done' }))
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }))
}
