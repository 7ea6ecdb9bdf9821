/** What a file of a picture is, by its first bytes: names and endings are often wrong. */

/** Read by sharp; those below it by decoders of our own. */
export type PictureKind = 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif' | 'svg' | 'gif' | 'bmp'

type Signature = { at?: number; bytes: string }
const begins = (data: Buffer, { at = 0, bytes }: Signature) => data.toString('latin1', at, at + bytes.length) === bytes

const READ: Record<Exclude<PictureKind, 'avif' | 'svg'>, Signature[][]> = {
  jpeg: [[{ bytes: '\xff\xd8\xff' }]],
  png: [[{ bytes: '\x89PNG\r\n\x1a\n' }]],
  webp: [[{ bytes: 'RIFF' }, { at: 8, bytes: 'WEBP' }]],
  tiff: [[{ bytes: 'II*\0' }], [{ bytes: 'MM\0*' }], [{ bytes: 'II+\0' }], [{ bytes: 'MM\0+' }]],
  gif: [[{ bytes: 'GIF87a' }], [{ bytes: 'GIF89a' }]],
  bmp: [[{ bytes: 'BM' }, { at: 6, bytes: '\0\0\0\0' }]],
}

/** What is often met and not read, and what to do with it. */
const OTHERS: Record<string, Signature[][]> = {
  'a JPEG 2000 picture': [[{ bytes: '\0\0\0\x0cjP  \r\n' }], [{ bytes: '\xff\x4f\xff\x51' }]],
  'a JPEG XL picture': [[{ bytes: '\xff\x0a' }], [{ bytes: '\0\0\0\x0cJXL ' }]],
  'a HEIC picture, as telephones take them (turn it into a JPEG first)': 'heic heix heim heis hevc hevx'
    .split(' ')
    .map((brand) => [{ at: 4, bytes: `ftyp${brand}` }]),
  'an icon (ICO)': [[{ bytes: '\0\0\x01\0' }]],
  'a Photoshop document': [[{ bytes: '8BPS' }]],
  'a PDF document': [[{ bytes: '%PDF-' }]],
  'a Targa picture': [],
  'a PNM picture (PBM, PGM or PPM)': ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7'].flatMap((magic) =>
    ['\n', ' ', '\r', '\t', '#'].map((after) => [{ bytes: magic + after }]),
  ),
  'a web page': [[{ bytes: '<!DOCTYPE html' }], [{ bytes: '<!doctype html' }], [{ bytes: '<html' }]],
  'a Git LFS pointer, not the picture itself (fetch it with "git lfs pull")': [[{ bytes: 'version https://git-lfs' }]],
}

/** The kind, or undefined for what is not read. */
export function kindOfPicture(data: Buffer): PictureKind | undefined {
  for (const [kind, choices] of Object.entries(READ))
    if (choices.some((all) => all.every((signature) => begins(data, signature)))) return kind as PictureKind
  if (begins(data, { at: 4, bytes: 'ftyp' })) return foreignKind(data) === undefined ? 'avif' : undefined
  return isSvg(data) ? 'svg' : undefined
}

/** What a file is instead of a picture that is read, in words; undefined when nothing is known of it. */
export function foreignKind(data: Buffer): string | undefined {
  for (const [name, choices] of Object.entries(OTHERS))
    if (choices.some((all) => all.every((signature) => begins(data, signature)))) return name
  return isTarga(data) ? 'a Targa picture' : undefined
}

function isSvg(data: Buffer): boolean {
  const start = data
    .toString('utf8', 0, 1024)
    .replace(/^\uFEFF/, '')
    .trimStart()
  return start.startsWith('<') && /<svg[\s>]/.test(start)
}

/** Targa has no signature at its beginning; its newer form has one at its end. */
function isTarga(data: Buffer): boolean {
  return data.length > 26 && data.toString('latin1', data.length - 18, data.length - 2) === 'TRUEVISION-XFILE'
}
