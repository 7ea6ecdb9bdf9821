// The table of pretrained tags is open_clip's, as write_pretrained_tags.py read it. Run: node test/peers/read-pretrained-tags.mjs FOLDER
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const own = fileURLToPath(new URL('../../lib/models/pretrained.json', import.meta.url))

test("the table of pretrained tags is open_clip's", () => {
  assert.deepEqual(
    JSON.parse(readFileSync(own, 'utf8')),
    JSON.parse(readFileSync(join(process.argv[2], 'pretrained.json'), 'utf8')),
  )
})
