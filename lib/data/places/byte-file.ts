/** A file that is read at any place in it, wherever it lies. */

export type ByteFile = {
  /** As the user named it. */
  path: string
  size: number
  /** Another one when the file is another one: what it was by size and time, or what its server says. */
  tag: string
  /**
   * @returns `length` bytes, or what there is of them before the file's end
   * @throws ClipwrightError ERR_IO, ERR_NOT_FOUND, ERR_DATA when the file is not what it was when it was opened
   */
  read(offset: number, length: number): Promise<Buffer>
  /** As `read`, but without a pause, where that is faster: a local file's headers. */
  readNow?(offset: number, length: number): Buffer
  /** Gives back what `readNow` keeps open. */
  close?(): void
  /** How much is worth reading at once to see what lies there, in bytes: a reading costs this much besides. */
  stride: number
}
