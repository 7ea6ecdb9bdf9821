#!/usr/bin/env node
// `npm run test:cuda`: what the emulation cannot show, on this machine's card: packs the kit and runs those of its stages that
// say whether the code is right, compute-sanitizer over all of it. Further arguments are the kit's: docs/card.md.
import { runKit } from './card/run.mjs'
import { main } from './setup/command.mjs'

const stages = 'device,conformance,sessions,goldens,bits,sanitizer'

await main(() => runKit(['--stages', stages, '--minutes', '90', '--thorough', ...process.argv.slice(2)]))
