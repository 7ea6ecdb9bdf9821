#!/usr/bin/env node
// `npm run quickstart` and `quickstart:zh`: sets up and builds what is missing, then runs the example with any arguments
// given here.
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { main } from './setup/command.mjs'

await main(async () => {
  bootstrap()
  buildNative()
  await buildLib()
  await import('../examples/quickstart/run.mjs')
})
