/**
 * How AVIF and HEIC files say that their picture is to be turned: the boxes `irot` and `imir` of the primary item (ISO/IEC
 * 23008-12, 6.5.10 and 6.5.12), as the number that EXIF would have for it.
 */
/** EXIF's numbers: 1 as it is, 2 mirrored, 3 half a turn, 4 upside down, 5 to 8 with width and height exchanged. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

type Box = { type: string; body: Buffer }

/** 1 where nothing is said, and for a file that cannot be followed: the decoder then says what is wrong with it. */
export function containerOrientation(data: Buffer): Orientation {
  try {
    return orientationOf(transformsOf(data))
  } catch {
    return 1
  }
}

/** Of the primary item, in the order in which they are made. */
function transformsOf(data: Buffer): Box[] {
  const meta = find(boxesOf(data), 'meta')
  if (!meta) return []
  const inMeta = boxesOf(meta.body.subarray(4)) // a version and flags come first
  const primary = find(inMeta, 'pitm')
  const properties = find(inMeta, 'iprp')
  if (!primary || !properties) return []
  const item = primary.body[0] === 0 ? primary.body.readUInt16BE(4) : primary.body.readUInt32BE(4)
  const inProperties = boxesOf(properties.body)
  const all = boxesOf(find(inProperties, 'ipco')?.body ?? Buffer.alloc(0))
  const associations = find(inProperties, 'ipma')
  if (!associations) return []
  return associatedWith(item, associations.body).flatMap((index) => all[index - 1] ?? [])
}

function find(boxes: Box[], type: string): Box | undefined {
  return boxes.find((box) => box.type === type)
}

function boxesOf(data: Buffer): Box[] {
  const boxes: Box[] = []
  for (let at = 0; at + 8 <= data.length; ) {
    const short = data.readUInt32BE(at)
    const header = short === 1 ? 16 : 8
    const size = short === 1 ? Number(data.readBigUInt64BE(at + 8)) : short === 0 ? data.length - at : short
    if (size < header || size > data.length - at) break
    boxes.push({ type: data.toString('latin1', at + 4, at + 8), body: data.subarray(at + header, at + size) })
    at += size
  }
  return boxes
}

/** Indices of an item's properties, counted from 1. */
function associatedWith(item: number, ipma: Buffer): number[] {
  const wideItems = ipma[0]! > 0
  const wideIndices = (ipma[3]! & 1) === 1
  const count = ipma.readUInt32BE(4)
  let at = 8
  for (let entry = 0; entry < count; entry++) {
    const id = wideItems ? ipma.readUInt32BE(at) : ipma.readUInt16BE(at)
    at += wideItems ? 4 : 2
    const indices: number[] = []
    const length = ipma.readUInt8(at++)
    for (let i = 0; i < length; i++, at += wideIndices ? 2 : 1)
      indices.push(wideIndices ? ipma.readUInt16BE(at) & 0x7fff : ipma.readUInt8(at) & 0x7f)
    if (id === item) return indices
  }
  return []
}

/** As matrices of the plane, so that any order of turns and mirrors is one of EXIF's eight. */
type Matrix = readonly [number, number, number, number]
const QUARTER: Matrix = [0, 1, -1, 0] // counter-clockwise, y downwards
const MIRRORS: readonly Matrix[] = [
  [1, 0, 0, -1],
  [-1, 0, 0, 1],
]
const BY_EXIF: Record<string, Orientation> = {
  '1,0,0,1': 1,
  '-1,0,0,1': 2,
  '-1,0,0,-1': 3,
  '1,0,0,-1': 4,
  '0,1,1,0': 5,
  '0,-1,1,0': 6,
  '0,-1,-1,0': 7,
  '0,1,-1,0': 8,
}

function orientationOf(transforms: Box[]): Orientation {
  let whole: Matrix = [1, 0, 0, 1]
  for (const { type, body } of transforms) {
    if (type === 'irot') for (let i = 0; i < (body[0]! & 3); i++) whole = product(QUARTER, whole)
    if (type === 'imir') whole = product(MIRRORS[body[0]! & 1]!, whole)
  }
  return BY_EXIF[whole.map((x) => x + 0).join()] ?? 1
}

function product(a: Matrix, b: Matrix): Matrix {
  return [a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]]
}
