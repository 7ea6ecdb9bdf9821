/**
 * Runs pickles. Nothing is called but the few functions that `World` hands out, none of which is Python's: where code
 * would have to run, there is an error.
 * Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
import { type Budget, COST } from './budget.js'
import { Cursor } from './cursor.js'
import { Machine, type World } from './machine.js'
import { OPCODES } from './opcodes.js'
import type { Value } from './values.js'

/**
 * Runs one pickle up to its STOP.
 * @returns what it built, and where the bytes after it begin
 * @throws EndOfBytes when the bytes end before; ClipwrightError ERR_FORMAT, ERR_UNSAFE
 */
export function unpickle(bytes: Buffer, world: World, budget: Budget, position = 0): { value: Value; end: number } {
  const cursor = new Cursor(bytes, position)
  const machine = new Machine(cursor, world, budget)
  for (;;) {
    const at = cursor.position
    const opcode = cursor.uint8()
    const operation = OPCODES[opcode]
    if (!operation) throw world.malformed(`byte ${at} of its pickle is 0x${opcode.toString(16)}, no opcode`)
    machine.spend(COST.operation)
    operation(machine)
    if (machine.result) return { value: machine.result.value, end: cursor.position }
  }
}
