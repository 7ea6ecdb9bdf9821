/** What a file is by its first bytes, whatever it is called. */
import { ClipwrightError } from '../../base/errors.js'
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './safetensors/header.js'

/** How many of them are looked at. */
export const FIRST_BYTES = 512

/** What holds tensors here; undefined for anything else, and for what is too short or torn to tell. */
export function tensorFormat(first: Buffer): 'safetensors' | 'PyTorch' | undefined {
  // Before all others: the length of a header may have the bytes that another format begins with, as 640 has a pickle's.
  const isHeader = first.length > LENGTH_BYTES && first.readBigUInt64LE() <= MAX_HEADER_BYTES
  if (isHeader && first[LENGTH_BYTES] === 0x7b) return 'safetensors'
  if (first.length >= 4 && first.readUInt32LE(0) === ZIP) return 'PyTorch'
  // A pickle of protocols 2 to 5 begins with its number.
  return first[0] === 0x80 && first[1]! >= 2 && first[1]! <= 5 ? 'PyTorch' : undefined
}

const ZIP = 0x04034b50

/** Files that lie where weights should be: what they are, and what to do. The first that fits. */
const OTHERS: readonly [is: (first: Buffer, text: string) => boolean, what: string, remedy: string][] = [
  [
    (_, text) => text.startsWith('version https://git-lfs.github.com/spec/'),
    'a Git LFS pointer of a few lines, not the weights that it stands for',
    'fetch those with "git lfs pull", or download the file itself',
  ],
  [
    (_, text) => /^\s*(<!doctype html|<html|<head|<\?xml)/i.test(text),
    'a web page (HTML), not weights',
    'it may be what a server answered in place of a download, so download it again, logged in where that is needed',
  ],
  [(first) => begins(first, [0x1f, 0x8b]), 'compressed with gzip', 'unpack it first'],
  [(first) => begins(first, [0x42, 0x5a, 0x68]), 'compressed with bzip2', 'unpack it first'],
  [(first) => begins(first, [0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'compressed with xz', 'unpack it first'],
  [(first) => begins(first, [0x28, 0xb5, 0x2f, 0xfd]), 'compressed with zstd', 'unpack it first'],
  [(_, text) => text.startsWith('\x89HDF'), 'an HDF5 file, as Keras writes them', 'convert it to safetensors'],
  [(_, text) => text.startsWith('\x93NUMPY'), 'an array of NumPy', 'convert it to safetensors'],
  [(_, text) => text.startsWith('GGUF'), 'a GGUF file', 'convert it to safetensors'],
  [
    (_, text) => text.startsWith('\x89PNG') || text.startsWith('\xff\xd8\xff') || text.startsWith('GIF8'),
    'a picture, not weights',
    'name the file of weights',
  ],
  [(_, text) => /^\s*[[{]/.test(text) && isText(text), 'JSON, not weights', 'name the file of weights, or its folder'],
  [
    (_, text) => isText(text) && isTable(text),
    'a table of text (CSV or TSV), not weights',
    'a list of pictures and captions goes to training and evaluation as their data',
  ],
]

/**
 * Refuses what is plainly something else than weights, naming it.
 * @throws ClipwrightError ERR_FORMAT
 */
export function refuseOthers(path: string, first: Buffer): void {
  const text = first.toString('latin1')
  const found = OTHERS.find(([is]) => is(first, text))
  if (!found) return
  const [, what, remedy] = found
  throw new ClipwrightError('ERR_FORMAT', `${path} is ${what}; ${remedy}.`)
}

const begins = (first: Buffer, bytes: readonly number[]) => bytes.every((byte, i) => first[i] === byte)

/** Printable, in whatever encoding. */
const isText = (text: string) => {
  const printable = (code: number) => code >= 32 || (code >= 9 && code <= 13)
  return text.length > 0 && Array.from(text).every((character) => printable(character.charCodeAt(0)))
}

/** At least two lines with as many separators in each. */
function isTable(text: string): boolean {
  const lines = text.split(/\r?\n/).slice(0, 2)
  return ['\t', ',', ';'].some((separator) => {
    const [first, second] = lines.map((line) => line.split(separator).length)
    return first! > 1 && second! >= first!
  })
}
