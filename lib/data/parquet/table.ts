/** Parquet files through hyparquet, which is loaded when the first one is opened. */
import type { FileMetaData } from 'hyparquet'
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import type { ByteFile } from '../places/byte-file.js'

/** How a column's cells look from outside: text, bytes, Hugging Face's `{ bytes, path }`, or something else. */
export type ColumnKind = 'text' | 'bytes' | 'image' | 'other'

export type Row = Record<string, unknown>

export type Table = {
  file: ByteFile
  columns: ReadonlyMap<string, ColumnKind>
  /** Rows of each row group. */
  groups: readonly number[]
  /** Rows `from` to below `to`. @throws ClipwrightError ERR_UNSUPPORTED naming a codec that is not there, ERR_FORMAT, ERR_IO */
  rows(columns: readonly string[], from: number, to: number): Promise<Row[]>
}

/** @throws ClipwrightError ERR_FORMAT when it is no Parquet file, ERR_IO, ERR_NOT_FOUND */
export async function openTable(file: ByteFile): Promise<Table> {
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ])
  const buffer = {
    byteLength: file.size,
    async slice(start: number, end = file.size) {
      const bytes = await file.read(start, end - start)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    },
  }
  const metadata = await explained(file, () => parquetMetadataAsync(buffer))
  const { children } = await explained(file, async () => parquetSchema(metadata))
  const columns = new Map(children.map((column) => [column.element.name, kindOf(column)]))
  return {
    file,
    columns,
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    rows: (wanted, rowStart, rowEnd) =>
      explained(file, () =>
        parquetReadObjects({
          file: buffer,
          metadata,
          compressors,
          columns: [...wanted],
          rowStart,
          rowEnd,
          utf8: false,
        }),
      ),
  }
}

type Column = { element: FileMetaData['schema'][number]; children: Column[] }

function kindOf({ element, children }: Column): ColumnKind {
  if (children.length > 0) return children.some((child) => child.element.name === 'bytes') ? 'image' : 'other'
  if (element.type !== 'BYTE_ARRAY') return 'other'
  return element.converted_type === 'UTF8' || element.logical_type?.type === 'STRING' ? 'text' : 'bytes'
}

async function explained<T>({ path }: ByteFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    const { message } = cause as Error
    const codec = /unsupported compression codec: (\w+)/.exec(message)?.[1]
    if (codec !== undefined) {
      const remedy = 'write the file again with another codec, such as zstd or snappy'
      throw new ClipwrightError(
        'ERR_UNSUPPORTED',
        `${path} is packed with the codec ${codec}, which is not there; ${remedy}`,
        { cause },
      )
    }
    throw new ClipwrightError('ERR_FORMAT', `${path} is no Parquet file that can be read: ${shorten(message)}`, {
      cause,
    })
  }
}
