/** A hub on this machine: repositories in memory, and whatever goes wrong on the way, as a test says. */
import { createHash, type Hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll } from 'vitest'

export type Files = Record<string, Buffer | string>

export type FakeRepository = {
  /** What lies at each commit. */
  commits: Record<string, Files>
  refs: Record<string, string>
  /** Answers that need a token's account to have accepted a licence. */
  gated?: boolean
  /** The token without which it is not seen. */
  needs?: string
}

export type Asked = { path: string; headers: IncomingMessage['headers'] }

/** @returns whether the request was answered */
export type Mischief = (request: IncomingMessage, response: ServerResponse, bytes: Buffer | undefined) => boolean

export const hashOf = (bytes: Buffer, kind: 'sha256' | 'git'): string => {
  const hash: Hash = kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes.length}\0`)
  return hash.update(bytes).digest('hex')
}

/** As hubs do: what is large, or no text, is kept by LFS. */
export const isLfs = (name: string): boolean => /\.(safetensors|bin)$/.test(name)

export class FakeHub {
  readonly repositories: Record<string, FakeRepository> = {}
  readonly asked: Asked[] = []
  mischief: Mischief | undefined
  readonly #server = createServer((request, response) => this.#answer(request, response))

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** A repository of one commit, which is `main`. */
  add(name: string, files: Files, more: Partial<FakeRepository> = {}): string {
    const commit = createHash('sha1')
      .update(`${name}${JSON.stringify(Object.keys(files))}`)
      .digest('hex')
    this.repositories[name] = { commits: { [commit]: files }, refs: { main: commit }, ...more }
    return commit
  }

  /** Files that were asked for, in order. */
  get fetched(): string[] {
    return this.asked.flatMap(({ path }) => /\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1] ?? [])
  }

  #answer(request: IncomingMessage, response: ServerResponse): unknown {
    const path = decodeURIComponent(new URL(request.url!, this.url).pathname)
    this.asked.push({ path: request.url!, headers: request.headers })
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(path)
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path)
    const name = api?.[1] ?? file?.[1] ?? ''
    const repository = this.repositories[name]
    const refuse = (status: number, code: string, message: string) =>
      response.writeHead(status, { 'x-error-code': code, 'x-error-message': message }).end(message)
    const bytes = file ? Buffer.from(repository?.commits[file[2]!]?.[file[3]!] ?? '') : undefined
    if (this.mischief?.(request, response, bytes)) return
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token === 'expired') return refuse(401, '', 'Invalid credentials in Authorization header')
    if (!repository || (repository.needs && token !== repository.needs)) {
      return refuse(token ? 404 : 401, 'RepoNotFound', token ? 'Repository not found' : '')
    }
    if (api) {
      const commit = repository.refs[api[3]!] ?? api[3]!
      const files = repository.commits[commit]
      if (!files) return refuse(404, 'RevisionNotFound', 'Invalid rev id')
      const answer =
        api[2] === 'revision'
          ? { _id: '1', id: name, sha: commit, lastModified: 0, siblings: siblings(files) }
          : tree(files)
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }
    if (repository.gated && token !== 'accepted') {
      return refuse(token ? 403 : 401, 'GatedRepo', 'Access to model is restricted')
    }
    const found = file ? repository.commits[repository.refs[file[2]!] ?? file[2]!]?.[file[3]!] : undefined
    if (found === undefined) return refuse(404, 'EntryNotFound', 'Entry not found')
    send(request, response, Buffer.from(found), {
      'x-repo-commit': repository.refs[file![2]!] ?? file![2]!,
      etag: `"${hashOf(Buffer.from(found), isLfs(file![3]!) ? 'sha256' : 'git')}"`,
    })
  }
}

/** All of it, or the part that is asked for. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string> = {},
) {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const part = bytes.subarray(from)
  const range = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': part.length, ...range, ...headers })
  response.end(request.method === 'HEAD' ? undefined : part)
}

function siblings(files: Files) {
  return Object.keys(files).map((rfilename) => ({ rfilename }))
}

function tree(files: Files) {
  return Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content)
    const lfs = { oid: hashOf(bytes, 'sha256'), size: bytes.length, pointerSize: 130 }
    return { type: 'file', path, size: bytes.length, oid: hashOf(bytes, 'git'), ...(isLfs(path) && { lfs }) }
  })
}

/** Started before the file's tests and emptied after each. */
export function fakeHub(): FakeHub {
  const hub = new FakeHub()
  beforeAll(() => hub.start())
  afterAll(() => hub.stop())
  afterEach(() => {
    hub.mischief = undefined
    hub.asked.length = 0
    for (const name of Object.keys(hub.repositories)) delete hub.repositories[name]
  })
  return hub
}
