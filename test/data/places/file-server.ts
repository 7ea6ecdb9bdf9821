/** A web server of files in memory, with ranges and the faults that servers have. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'

export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean

export function etagOf(file: Buffer): string {
  return `"${createHash('sha256').update(file).digest('hex').slice(0, 16)}"`
}

export class FileServer {
  readonly files = new Map<string, Buffer>()
  /** What answers in place of the files, as long as it says so. */
  fault: Answer | undefined
  ranges = true
  requests = 0
  origin = ''

  static async start(): Promise<FileServer> {
    const own = new FileServer()
    const server = createServer((request, response) => own.#answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    own.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    afterAll(() => {
      server.closeAllConnections()
      server.close()
    })
    return own
  }

  /** A fault of the next requests alone. */
  failing(times: number, answer: (response: ServerResponse) => void): void {
    let left = times
    this.fault = (_, response) => {
      if (left-- <= 0) return false
      answer(response)
      return true
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests++
    if (this.fault?.(request, response)) return
    const path = decodeURIComponent(new URL(request.url!, this.origin).pathname)
    const file = this.files.get(path)
    if (!file) return void response.writeHead(404).end()
    const etag = etagOf(file)
    if (request.headers['if-match'] && request.headers['if-match'] !== etag) return void response.writeHead(412).end()
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (!this.ranges || from === undefined) {
      return void response
        .writeHead(200, { etag, 'content-length': file.length })
        .end(request.method === 'HEAD' ? '' : file)
    }
    const part = file.subarray(Number(from), Number(to) + 1)
    if (part.length === 0) return void response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end()
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${file.length}`
    response.writeHead(206, { etag, 'content-range': range, 'content-length': part.length }).end(part)
  }
}
