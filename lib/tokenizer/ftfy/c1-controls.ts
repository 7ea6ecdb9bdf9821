import { charmapNamed } from './charmaps.js'

const WINDOWS_1252 = charmapNamed('windows-1252').high

/** C1 controls, which nobody means, become what Windows-1252 has at their place; browsers do the same. */
export function fixC1Controls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!)
}
