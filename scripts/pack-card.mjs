#!/usr/bin/env node
// `npm run pack:card`: build/card, a folder to be copied to a machine with an NVIDIA card and run there: docs/card.md.
import { mib, packCard } from './card/pack.mjs'
import { main } from './setup/command.mjs'

await main(async () => {
  const { folder, bytes } = await packCard()
  console.log(`${folder}: ${mib(bytes)}. Copy it to the machine with the card and run ./run.sh there.`)
})
