// Imported into a program (--import): writes into TOLD, when it ends, how often it opened files below OPENED.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { OPENED, TOLD } = process.env
let opened = 0
const { open } = fs.promises
fs.promises.open = (path, ...how) => {
  if (String(path).startsWith(OPENED)) opened++
  return open(path, ...how)
}
syncBuiltinESMExports()
process.on('exit', () => fs.writeFileSync(TOLD, String(opened)))
