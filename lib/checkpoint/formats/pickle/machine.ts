/** The pickle machine's state: a stack, marks and a memo that opcodes work on. */
import type { ClipwrightError } from '../../../base/errors.js'
import { type Budget, COST } from './budget.js'
import type { Cursor } from './cursor.js'
import type { Value } from './values.js'

/** What a pickle may ask for from outside. */
export type World = {
  /** What a name stands for, or a placeholder. */
  global(module: string, name: string): Value
  /** What a persistent id stands for. */
  persistent(id: Value): Value
  /** An ERR_FORMAT that says what is wrong with the file. */
  malformed(problem: string, cause?: unknown): ClipwrightError
  /** An ERR_UNSAFE for what only code could answer. */
  unsafe(wanted: string): ClipwrightError
}

export class Machine {
  readonly cursor: Cursor
  readonly world: World
  /** Counts what is built against what may be. */
  readonly spend: (bytes: number) => void
  readonly #memo = new Map<number, Value>()
  /** What lies below each mark, the lowest first. */
  readonly #below: Value[][] = []
  #stack: Value[] = []
  #result: { value: Value } | undefined

  constructor(cursor: Cursor, world: World, budget: Budget) {
    this.cursor = cursor
    this.world = world
    this.spend = budget.spend
  }

  /** What STOP left, once it has come. */
  get result(): { value: Value } | undefined {
    return this.#result
  }

  stop(): void {
    this.#result = { value: this.pop() }
  }

  push(value: Value, cost: number): void {
    this.spend(cost)
    this.#stack.push(value)
  }

  pop(): Value {
    const value = this.#stack.pop()
    if (value === undefined) throw this.world.malformed('its pickle takes more from the stack than was there')
    return value
  }

  top(): Value {
    const value = this.#stack.at(-1)
    if (value === undefined) throw this.world.malformed('its pickle takes more from the stack than was there')
    return value
  }

  replace(value: Value): void {
    this.pop()
    this.#stack.push(value)
  }

  mark(): void {
    this.spend(COST.list)
    this.#below.push(this.#stack)
    this.#stack = []
  }

  /** What was pushed since the last mark, which goes too. */
  popToMark(): Value[] {
    const below = this.#below.pop()
    if (!below) throw this.world.malformed('its pickle looks for a mark that is not there')
    const items = this.#stack
    this.#stack = below
    return items
  }

  /** Pops a value, or a mark where nothing lies above it. */
  discard(): void {
    if (this.#stack.length > 0) this.#stack.pop()
    else this.popToMark()
  }

  memoize(index = this.#memo.size): void {
    this.spend(COST.memo)
    this.#memo.set(index, this.top())
  }

  recall(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) throw this.world.malformed(`its pickle recalls entry ${index} of the memo, which is empty`)
    this.push(value, COST.element)
  }
}
