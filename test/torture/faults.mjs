// Loaded before a program (node --import): ends it, or fails one of its calls of the file system, at a chosen call.
// CLIPWRIGHT_FAULT: JSON { calls, under, at, effect, times?, report? }.
// - calls: which count, such as ["rename", "link"]; those of open files are called write and sync
// - under: only what is named by a path with this beginning counts
// - at: the number of the call that is struck, from 1; 0 strikes none
// - effect: "kill" (before the call), "half" (after half of a write or a removal), "short" (a write that takes less and
//   says so), or an error's code
// - times: how many calls in a row are struck; 1 by default
// - report: a file that gets the number of calls when the program ends
import { constants, promises, readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

const { calls, under, at, effect, times = 1, report } = JSON.parse(process.env.CLIPWRIGHT_FAULT)
const original = { ...promises }
let count = 0

/** Strikes, or lets the call pass. `half` does a part of what was asked for. */
async function strike(name, paths, half, pass) {
  const counts = calls.includes(name) && paths.some((path) => String(path).startsWith(under))
  if (!counts || ++count < at || at === 0 || count >= at + times) return pass()
  if (effect === 'kill') kill()
  if (effect === 'half') {
    await half()
    kill()
  }
  if (effect === 'short') return half()
  const { default: os } = await import('node:os')
  const errno = os.constants.errno[effect]
  throw Object.assign(new Error(`${effect}: injected, ${name} '${paths[0]}'`), {
    code: effect,
    errno: -errno,
    syscall: name,
  })
}

function kill() {
  process.kill(process.pid, 'SIGKILL')
  for (;;) {} // until it is there
}

for (const name of ['readFile', 'rename', 'link', 'unlink', 'mkdir', 'rmdir', 'copyFile']) {
  promises[name] = (...args) =>
    strike(
      name,
      args.slice(0, 2),
      () => {},
      () => original[name](...args),
    )
}
promises.rm = (path, options) =>
  strike(
    'rm',
    [path],
    () => removeHalf(path),
    () => original.rm(path, options),
  )

function removeHalf(path) {
  try {
    const names = readdirSync(path)
    for (const name of names.slice(0, Math.ceil(names.length / 2))) unlinkSync(join(path, name))
  } catch {} // a file, or nothing: there are no halves
}

const paths = new WeakMap()
promises.open = (path, flags, mode) =>
  strike(
    'open',
    [path],
    () => {},
    async () => {
      const handle = await original.open(path, flags, mode)
      paths.set(handle, path)
      return handle
    },
  )

// The class of open files has no name of its own.
const some = await original.open(process.execPath, constants.O_RDONLY)
const prototype = Object.getPrototypeOf(some)
await some.close()
const { write, sync, datasync } = prototype
const pathsOf = (handle) => [paths.get(handle) ?? '']
prototype.sync = function () {
  return strike(
    'sync',
    pathsOf(this),
    () => {},
    () => sync.call(this),
  )
}
prototype.datasync = function () {
  return strike(
    'sync',
    pathsOf(this),
    () => {},
    () => datasync.call(this),
  )
}
prototype.write = function (data, ...rest) {
  const half = () => (ArrayBuffer.isView(data) ? write.call(this, data.subarray(0, data.byteLength >> 1)) : undefined)
  return strike('write', pathsOf(this), half, () => write.call(this, data, ...rest))
}
// Their own write loops are inside of Node: here they are loops over write.
async function writeAll(data) {
  let left = Buffer.from(
    typeof data === 'string' ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  )
  while (left.length > 0) left = left.subarray((await this.write(left)).bytesWritten)
}
prototype.writeFile = writeAll
prototype.appendFile = writeAll

syncBuiltinESMExports()
if (report) process.on('exit', () => writeFileSync(report, String(count)))
