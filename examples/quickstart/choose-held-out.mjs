#!/usr/bin/env node
// Writes held-out.json by the rule of split.mjs. Run it again only when the packages' drawings or names change.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { forEachAtOnce, rasterise } from './data.mjs'
import { listItems } from './items.mjs'
import { chooseHeldOut } from './split.mjs'

const items = listItems()
const pixelHashes = new Map()
await forEachAtOnce(8, items, async (item) => {
  const pixels = await (await rasterise(item)).raw().toBuffer()
  pixelHashes.set(item.id, createHash('sha256').update(pixels).digest('hex'))
})
const heldOut = chooseHeldOut(items, pixelHashes)
writeFileSync(new URL('held-out.json', import.meta.url), `${JSON.stringify(heldOut, null, 2)}\n`)
console.log(`${heldOut.length} of ${items.length} items are held out`)
