/** Large files in parts that each are parsed by themselves: lines, and the elements of a JSON list. Never the whole in memory. */
import { createReadStream } from 'node:fs'

const READ = 1 << 20
const [NEWLINE, QUOTE, BACKSLASH, COMMA, OPEN, CLOSE] = [...Buffer.from('\n"\\,[]')] as [
  number,
  number,
  number,
  number,
  number,
  number,
]
const [OPEN_OBJECT, CLOSE_OBJECT] = [...Buffer.from('{}')] as [number, number]

/** A file's bytes as they come, without a byte order mark. @throws what the file system refuses */
async function* chunks(path: string): AsyncGenerator<Buffer> {
  let isFirst = true
  for await (const chunk of createReadStream(path, { highWaterMark: READ }) as AsyncIterable<Buffer>) {
    yield isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk
    isFirst = false
  }
}

/** Lines without their ends, the last one also where nothing ends it. @throws what the file system refuses */
export async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks(path)) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end)
      yield rest.length > 0 ? Buffer.concat([rest, part]) : part
      rest = Buffer.alloc(0)
      from = end + 1
    }
    rest = Buffer.concat([rest, chunk.subarray(from)])
  }
  if (rest.length > 0) yield rest
}

/** A text that is no list of elements between commas: whoever parses it as a whole is told what is wrong. */
export class NoJsonList extends Error {}

/**
 * The bytes of each element of a list in JSON, which are not looked into but for strings and brackets.
 * @throws NoJsonList; what the file system refuses
 */
export async function* jsonElements(path: string): AsyncGenerator<Buffer> {
  const scan = new Scan()
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks(path)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let from = 0
    for (let end = scan.next(bytes, rest.length); end >= 0; end = scan.next(bytes, end + 1)) {
      if (scan.hasElement) yield bytes.subarray(from, end)
      from = end + 1
    }
    rest = scan.isOver || !scan.isBegun ? Buffer.alloc(0) : bytes.subarray(from)
  }
  if (!scan.isOver) throw new NoJsonList()
}

/** Where in a list the bytes so far have led. */
class Scan {
  isBegun = false
  isOver = false
  /** Whether what lies before the place that `next` found is an element. */
  hasElement = false
  #depth = 0
  #inString = false
  #isEscaped = false
  #isEmpty = true
  #elements = 0

  /** The place of the next bracket or comma of the list itself from here on, or -1 where these bytes have none. */
  next(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) this.#inString = false
        continue
      }
      if (byte <= 0x20) continue
      if (this.isOver || (!this.isBegun && byte !== OPEN)) throw new NoJsonList()
      if (!this.isBegun) {
        this.isBegun = true
        return at
      }
      if (this.#depth === 0 && (byte === COMMA || byte === CLOSE)) {
        this.#ends(byte)
        return at
      }
      this.#isEmpty = false
      if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN || byte === OPEN_OBJECT) this.#depth++
      else if (byte === CLOSE || byte === CLOSE_OBJECT) this.#depth--
    }
    return -1
  }

  #ends(byte: number): void {
    this.isOver = byte === CLOSE
    this.hasElement = !this.#isEmpty
    if (this.#isEmpty && (byte === COMMA || this.#elements > 0)) throw new NoJsonList()
    this.#elements++
    this.#isEmpty = true
  }
}
