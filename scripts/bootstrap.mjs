#!/usr/bin/env node
// Everything a fresh clone needs before it can build: JavaScript packages, oneDNN and libjpeg-turbo. Quick when nothing changed.
import { isMain, main } from './setup/command.mjs'
import { ensureLibJpeg } from './setup/libjpeg.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'
import { ensurePackages } from './setup/packages.mjs'

export function bootstrap() {
  ensurePackages()
  ensureOneDnn()
  ensureLibJpeg()
}

if (isMain(import.meta)) await main(bootstrap)
