// Serves a folder as the one commit of owner/model, as the Hugging Face hub serves repositories.
// Run: node test/peers/hub-server.mjs FOLDER, which prints its address and ends with its input.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const COMMIT = 'c0ffee'.repeat(7).slice(0, 40)
export const REPOSITORY = 'owner/model'

export async function serve(folder) {
  const files = new Map(readdirSync(folder).map((path) => [path, readFileSync(join(folder, path))]))
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const json = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (pathname.startsWith(`/api/models/${REPOSITORY}/tree/`)) return json([...files].map(entryOf))
    if (pathname.startsWith(`/api/models/${REPOSITORY}`))
      return json({ _id: '1', id: REPOSITORY, sha: COMMIT, siblings: [] })
    const name = pathname.split('/').at(-1)
    const bytes = files.get(name)
    if (!pathname.startsWith(`/${REPOSITORY}/resolve/`) || !bytes) {
      return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
    }
    const { oid, lfs } = entryOf([name, bytes])
    response.writeHead(200, { 'content-length': bytes.length, etag: `"${lfs?.oid ?? oid}"`, 'x-repo-commit': COMMIT })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}

function entryOf([path, bytes]) {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 }
  return { type: 'file', path, size: bytes.length, oid, ...(path.endsWith('.safetensors') && { lfs }) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.argv[2])
  console.log(url)
  process.stdin.on('end', () => process.exit()).resume()
}
