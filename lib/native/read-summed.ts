/** A part of a file, with its checksum. */
export type NativeReadSummed = {
  /** Its descriptor. */
  file: number
  /** In bytes. */
  offset: number
  /** Filled whole; nobody may touch it until then. */
  into: Uint8Array
}
