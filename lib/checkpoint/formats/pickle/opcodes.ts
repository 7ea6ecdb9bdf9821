/** What each opcode of protocols 0 to 5 does. */
import { quote } from '../weight-file.js'
import { COST } from './budget.js'
import type { Machine } from './machine.js'
import { Op } from './opcode-names.js'
import {
  Callable,
  type Dict,
  findCode,
  Instance,
  Placeholder,
  TensorView,
  Tuple,
  UnreadableTensor,
  type Value,
} from './values.js'

type Operation = (machine: Machine) => void

const HIGHEST_PROTOCOL = 5
/** Numbers longer than this are none that a checkpoint needs; turning them into decimals would take long. */
const MAX_NUMBER_BYTES = 1024

export const OPCODES: readonly (Operation | undefined)[] = table({
  // Frame and end
  [Op.PROTO]: (m) => {
    const protocol = m.cursor.uint8()
    if (protocol > HIGHEST_PROTOCOL) throw m.world.malformed(`its pickle has the unknown protocol ${protocol}`)
  },
  [Op.FRAME]: (m) => void m.cursor.uint64(), // FRAME: a hint for reading ahead
  [Op.STOP]: (m) => m.stop(),

  // Stack and memo
  [Op.MARK]: (m) => m.mark(),
  [Op.POP]: (m) => m.discard(),
  [Op.POP_MARK]: (m) => void m.popToMark(),
  [Op.DUP]: (m) => m.push(m.top(), COST.element),
  [Op.PUT]: (m) => m.memoize(index(m)),
  [Op.BINPUT]: (m) => m.memoize(m.cursor.uint8()),
  [Op.LONG_BINPUT]: (m) => m.memoize(m.cursor.uint32()),
  [Op.MEMOIZE]: (m) => m.memoize(),
  [Op.GET]: (m) => m.recall(index(m)),
  [Op.BINGET]: (m) => m.recall(m.cursor.uint8()),
  [Op.LONG_BINGET]: (m) => m.recall(m.cursor.uint32()),

  // Constants and numbers
  [Op.NONE]: (m) => m.push(null, COST.element),
  [Op.NEWTRUE]: (m) => m.push(true, COST.element),
  [Op.NEWFALSE]: (m) => m.push(false, COST.element),
  [Op.INT]: (m) => {
    const text = ascii(m)
    // Booleans of protocols 0 and 1.
    if (text === '01' || text === '00') m.push(text === '01', COST.element)
    else m.push(decimal(m, text), COST.number)
  },
  [Op.BININT]: (m) => m.push(m.cursor.int32(), COST.number),
  [Op.BININT1]: (m) => m.push(m.cursor.uint8(), COST.number),
  [Op.BININT2]: (m) => m.push(m.cursor.uint16(), COST.number),
  [Op.LONG]: (m) => m.push(decimal(m, ascii(m).replace(/L$/, '')), COST.entry),
  [Op.LONG1]: (m) => m.push(long(m, m.cursor.uint8()), COST.entry),
  [Op.LONG4]: (m) => m.push(long(m, m.cursor.uint32()), COST.entry),
  [Op.FLOAT]: (m) => m.push(float(ascii(m)), COST.number),
  [Op.BINFLOAT]: (m) => m.push(m.cursor.float64(), COST.number),

  // Strings and bytes
  [Op.STRING]: (m) => pushText(m, unescapeQuoted(m, ascii(m))),
  [Op.BINSTRING]: (m) => pushText(m, m.cursor.bytes(m.cursor.uint32()).toString('latin1')),
  [Op.SHORT_BINSTRING]: (m) => pushText(m, m.cursor.bytes(m.cursor.uint8()).toString('latin1')),
  [Op.UNICODE]: (m) => pushText(m, unescapeUnicode(m.cursor.line().toString('latin1'))),
  [Op.BINUNICODE]: (m) => pushText(m, utf8(m, m.cursor.uint32())),
  [Op.SHORT_BINUNICODE]: (m) => pushText(m, utf8(m, m.cursor.uint8())),
  [Op.BINUNICODE8]: (m) => pushText(m, utf8(m, m.cursor.uint64())),
  [Op.BINBYTES]: (m) => pushBytes(m, m.cursor.uint32()),
  [Op.SHORT_BINBYTES]: (m) => pushBytes(m, m.cursor.uint8()),
  [Op.BINBYTES8]: (m) => pushBytes(m, m.cursor.uint64()),
  [Op.BYTEARRAY8]: (m) => pushBytes(m, m.cursor.uint64()),

  // Tuples, lists, dicts, sets
  [Op.EMPTY_TUPLE]: (m) => m.push(new Tuple([]), COST.list),
  [Op.TUPLE]: (m) => m.push(new Tuple(m.popToMark()), COST.list),
  [Op.TUPLE1]: (m) => m.push(new Tuple([m.pop()]), COST.list),
  [Op.TUPLE2]: (m) => {
    const [b, a] = [m.pop(), m.pop()]
    m.push(new Tuple([a, b]), COST.list)
  },
  [Op.TUPLE3]: (m) => {
    const [c, b, a] = [m.pop(), m.pop(), m.pop()]
    m.push(new Tuple([a, b, c]), COST.list)
  },
  [Op.EMPTY_LIST]: (m) => m.push([], COST.list),
  [Op.LIST]: (m) => m.push(m.popToMark(), COST.list),
  [Op.APPEND]: (m) => {
    const item = m.pop()
    m.spend(COST.element)
    listAt(m).push(item)
  },
  [Op.APPENDS]: (m) => {
    const items = m.popToMark()
    const list = listAt(m)
    for (const item of items) {
      m.spend(COST.element)
      list.push(item)
    }
  },
  [Op.EMPTY_DICT]: (m) => m.push(new Map(), COST.dict),
  [Op.DICT]: (m) => {
    const items = m.popToMark()
    const dict: Dict = new Map()
    setItems(m, dict, items)
    m.push(dict, COST.dict)
  },
  [Op.SETITEM]: (m) => {
    const [value, key] = [m.pop(), m.pop()]
    setItems(m, dictAt(m), [key, value])
  },
  [Op.SETITEMS]: (m) => {
    const items = m.popToMark()
    setItems(m, dictAt(m), items)
  },
  [Op.EMPTY_SET]: (m) => m.push(new Set(), COST.dict),
  [Op.ADDITEMS]: (m) => {
    const items = m.popToMark()
    const set = m.top()
    if (!(set instanceof Set || set instanceof Placeholder))
      throw m.world.malformed('its pickle adds items to what is no set')
    for (const item of items) {
      m.spend(COST.entry)
      if (set instanceof Set) set.add(item)
    }
  },
  [Op.FROZENSET]: (m) => {
    const items = m.popToMark()
    m.push(new Set(items), COST.dict + items.length * COST.entry)
  },

  // Globals and objects
  [Op.GLOBAL]: (m) => {
    const module = ascii(m)
    pushGlobal(m, module, ascii(m))
  },
  [Op.STACK_GLOBAL]: (m) => {
    const [name, module] = [m.pop(), m.pop()]
    if (typeof name !== 'string' || typeof module !== 'string') {
      throw m.world.malformed('its pickle names a global by something else than strings')
    }
    pushGlobal(m, module, name)
  },
  [Op.INST]: (m) => {
    const module = ascii(m)
    const callee = m.world.global(module, ascii(m))
    call(m, callee, m.popToMark())
  },
  [Op.OBJ]: (m) => {
    const [callee, ...args] = m.popToMark()
    call(m, callee, args)
  },
  [Op.REDUCE]: (m) => {
    const args = m.pop()
    call(m, m.pop(), itemsOf(m, args))
  },
  [Op.NEWOBJ]: (m) => {
    const args = m.pop()
    call(m, m.pop(), itemsOf(m, args))
  },
  [Op.NEWOBJ_EX]: (m) => {
    const [named, args] = [m.pop(), m.pop()]
    const callee = m.pop()
    const isPlain = named instanceof Map && named.size === 0
    if (!isPlain && !(callee instanceof Placeholder)) throw m.world.unsafe('to make an object with named arguments')
    call(m, callee, itemsOf(m, args))
  },
  [Op.BUILD]: (m) => {
    const state = m.pop()
    const object = m.top()
    if (object instanceof Instance && state instanceof Map) object.attributes = state
    else if (object instanceof Placeholder) m.replace(codeIn(m, object, state))
    // An OrderedDict's own attributes, such as the versions of modules that state dicts carry as `_metadata`; a tensor's.
    else if (!takesState(object)) throw m.world.malformed('its pickle gives a state to what has none')
  },
  [Op.PERSID]: (m) => m.push(m.world.persistent(ascii(m)), COST.object),
  [Op.BINPERSID]: (m) => m.push(m.world.persistent(m.pop()), COST.object),

  // What stands for something outside of the file
  [Op.EXT1]: (m) => extension(m, m.cursor.uint8()),
  [Op.EXT2]: (m) => extension(m, m.cursor.uint16()),
  [Op.EXT4]: (m) => extension(m, m.cursor.int32()),
  [Op.NEXT_BUFFER]: (m) => outOfBand(m),
  [Op.READONLY_BUFFER]: (m) => outOfBand(m),
})

function table(operations: Record<number, Operation>): (Operation | undefined)[] {
  return Array.from({ length: 256 }, (_, opcode) => operations[opcode])
}

function pushText(m: Machine, text: string): void {
  m.push(text, COST.text + text.length * 2)
}

function pushBytes(m: Machine, length: number): void {
  m.push(Uint8Array.from(m.cursor.bytes(length)), COST.object + length)
}

function pushGlobal(m: Machine, module: string, name: string): void {
  m.push(m.world.global(module, name), COST.element)
}

const takesState = (object: Value) =>
  object instanceof Map || object instanceof TensorView || object instanceof UnreadableTensor

function call(m: Machine, callee: Value | undefined, args: readonly Value[]): void {
  m.push(resultOf(m, callee, args), COST.object)
}

function resultOf(m: Machine, callee: Value | undefined, args: readonly Value[]): Value {
  // Never called: in place of what it would give is the placeholder again, or that of code among its arguments.
  if (callee instanceof Placeholder) return codeIn(m, callee, new Tuple(args))
  if (!(callee instanceof Callable)) throw m.world.malformed('its pickle calls what is no function')
  const result = callee.call(args, m.spend) ?? args.find((arg) => arg instanceof Placeholder)
  if (result !== undefined) return result
  throw m.world.malformed(`its pickle calls ${callee.name} with arguments that do not fit`)
}

/** Plain data that is made of what only code could give is none. */
function codeIn(m: Machine, placeholder: Placeholder, value: Value): Placeholder {
  return placeholder.isHarmless ? (findCode(value, m.spend) ?? placeholder) : placeholder
}

function itemsOf(m: Machine, args: Value): readonly Value[] {
  if (args instanceof Tuple) return args.items
  throw m.world.malformed('its pickle calls a function with something else than a tuple of arguments')
}

function listAt(m: Machine): Value[] {
  const list = m.top()
  if (Array.isArray(list)) return list
  if (list instanceof Placeholder) return []
  throw m.world.malformed('its pickle appends to what is no list')
}

function dictAt(m: Machine): Dict {
  const dict = m.top()
  if (dict instanceof Map) return dict
  if (dict instanceof Placeholder) return new Map()
  throw m.world.malformed('its pickle sets items of what is no dict')
}

function setItems(m: Machine, dict: Dict, items: readonly Value[]): void {
  if (items.length % 2 !== 0) throw m.world.malformed('its pickle gives a dict a key without a value')
  for (let i = 0; i < items.length; i += 2) {
    m.spend(2 * COST.entry)
    dict.set(items[i] as Value, items[i + 1] as Value)
  }
}

function ascii(m: Machine): string {
  return m.cursor.line().toString('latin1')
}

function index(m: Machine): number {
  const text = ascii(m)
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw m.world.malformed(`its pickle has the index ${quote(text)} into its memo`)
}

function decimal(m: Machine, text: string): number | bigint {
  if (!/^-?\d+$/.test(text) || text.length > MAX_NUMBER_BYTES) {
    throw m.world.malformed(`its pickle has the whole number ${quote(text)}`)
  }
  return small(BigInt(text))
}

/** Two's complement, the lowest byte first. */
function long(m: Machine, length: number): number | bigint {
  if (length > MAX_NUMBER_BYTES) throw m.world.malformed(`its pickle has a whole number of ${length} bytes`)
  const digits = Buffer.from(m.cursor.bytes(length)).reverse().toString('hex')
  return digits === '' ? 0 : small(BigInt.asIntN(length * 8, BigInt(`0x${digits}`)))
}

function small(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function float(text: string): number {
  const named: Record<string, number> = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }
  return named[text] ?? Number.parseFloat(text)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(m: Machine, length: number): string {
  const bytes = m.cursor.bytes(length)
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw m.world.malformed('its pickle has a string that is not UTF-8', cause)
  }
}

/** Python 2's repr of a str. */
function unescapeQuoted(m: Machine, text: string): string {
  const inner = /^(['"])(.*)\1$/s.exec(text)?.[2]
  if (inner === undefined) throw m.world.malformed('its pickle has a string without quotes')
  const short: Record<string, string> = { n: '\n', t: '\t', r: '\r' }
  return inner.replace(/\\(x[0-9a-f]{2}|.)/gs, (_, what: string) =>
    what.length === 3 ? String.fromCharCode(Number.parseInt(what.slice(1), 16)) : (short[what] ?? what),
  )
}

function unescapeUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, four?: string, eight?: string) => {
    const point = Number.parseInt(four ?? eight ?? '', 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}

function extension(m: Machine, number: number): never {
  throw m.world.unsafe(`extension ${number} of Python's copyreg`)
}

function outOfBand(m: Machine): never {
  throw m.world.malformed('its pickle keeps data outside of the file')
}
