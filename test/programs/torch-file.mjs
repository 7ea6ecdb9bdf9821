// Opens a PyTorch file, reads its tensors one after the other, and prints what that took: MiB of resident memory beyond
// what was there before, at its highest; seconds of the processor; and the error's message, if there was one.
import { openTorchFile } from '../../dist/checkpoint/formats/pickle/torch-file.js'

const path = process.argv[2]
let message
const before = process.memoryUsage.rss()
const began = process.cpuUsage()
try {
  const file = await openTorchFile(path)
  for (const name of file.entries.keys()) await file.read(name)
  await file.close()
} catch (error) {
  message = `${error.code}: ${error.message}`
}
const { user, system } = process.cpuUsage(began)
const peak = process.resourceUsage().maxRSS * 1024
console.log(JSON.stringify({ message, extraMiB: (peak - before) / 2 ** 20, seconds: (user + system) / 1e6 }))
