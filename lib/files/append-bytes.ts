/** Appending much to an open file. */
import type { FileHandle } from 'node:fs/promises'

/** Whatever looks at bytes on their way, such as a hash. */
export type ByteWatcher = { update(bytes: Uint8Array): unknown }

/** Takes a file's next bytes, which must not change before it resolves. */
export type Append = (bytes: Uint8Array) => Promise<void>

/** Written at a time: enough that calls cost nothing, and looked at in so little time that the event loop does not notice. */
export const CHUNK_BYTES = 1 << 21

/**
 * Appends all of the bytes; the event loop runs in between.
 * @param watcher sees them while they are written
 */
export async function appendBytes(handle: FileHandle, bytes: Uint8Array, watcher?: ByteWatcher): Promise<void> {
  for (let begin = 0; begin < bytes.length; begin += CHUNK_BYTES) {
    const chunk = bytes.subarray(begin, begin + CHUNK_BYTES)
    const written = writeAll(handle, chunk)
    written.catch(() => {}) // reported below
    watcher?.update(chunk)
    await written
  }
}

/**
 * One call of the system may take less than it is given.
 * @param position where the first byte goes; behind what was written last without
 */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === undefined ? null : position + done
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at)
    done += bytesWritten
  }
}
