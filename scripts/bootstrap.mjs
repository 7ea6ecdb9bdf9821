#!/usr/bin/env node
// Everything a fresh clone needs before it can build: JavaScript packages and oneDNN. Quick when nothing changed.
import { isMain, main } from './setup/command.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'
import { ensurePackages } from './setup/packages.mjs'

export function bootstrap() {
  ensurePackages()
  ensureOneDnn()
}

if (isMain(import.meta)) await main(bootstrap)
