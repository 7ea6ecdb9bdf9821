#!/usr/bin/env node
// `npm run bench:cuda`: packs the kit and runs those of its stages that measure, ours beside open_clip and PyTorch of
// .cache/peers on this machine's card. Further arguments are the kit's: docs/card.md.
import { runKit } from './card/run.mjs'
import { ensurePeers } from './peers/environment.mjs'
import { main } from './setup/command.mjs'

const stages = 'device,steps,profile,loss,attention'

await main(async () =>
  runKit(['--stages', stages, '--minutes', '20', ...process.argv.slice(2)], { PYTHON: await ensurePeers() }),
)
