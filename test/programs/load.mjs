// Loads a model and prints how that ended: the sum of a weight, or a code and a message.
import { Clip } from 'clipwright'

try {
  const clip = await Clip.load(process.argv[2])
  const weight = clip.parameters().find(({ name }) => name === 'visual.proj')
  const { data } = await weight.read()
  await clip.dispose()
  console.log(JSON.stringify({ sum: data.reduce((sum, x) => sum + x, 0) }))
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }))
}
