/** Captioned pictures, wherever they are kept: what training and evaluation ask of them. */
import type { ImageAddress } from '../image/source.js'
import type { Apart } from './apart.js'
import type { Faults } from './faults.js'
import type { ProtocolName } from './protocols.js'

/** A picture to train on. */
export type Sample = {
  image: ImageAddress
  /** At least one, none empty. */
  captions: readonly string[]
  /** Where the data give pictures names of their own: samples of one id show one picture. */
  id?: string | undefined
}

/** A sample at its turn in an epoch. */
export type PlacedSample = Sample & {
  /** The sample's own number, the same in every epoch and run: random draws and lists of bad samples go by it. */
  index: number
  /** Its place in the epoch's order. A run that ends after it goes on from the place that follows. */
  position: number
  /** By what its caption and its augmentation are drawn, where it may come more than once in an epoch. */
  draws?: { epoch: number; index: number }
}

/** Where an epoch is taken up. */
export type EpochStart = {
  seed: number
  epoch: number
  /** A position; 0 for the whole epoch. */
  from: number
  /** Samples that are not to come in one batch, as far as the source can keep them apart. */
  apart?: Apart | undefined
}

/** A set as retrieval is measured on it. */
export type RetrievalView = {
  /** Those with captions first. */
  pictures: readonly ImageAddress[]
  /** Of each picture, where it has one. */
  ids: readonly (string | undefined)[]
  captions: readonly string[]
  /** For each caption, which of `pictures` it belongs to: one, or a list where captions may have several. */
  imageOfCaption: Int32Array | readonly (readonly number[])[]
}

/**
 * A set of captioned pictures. Order, size, place and fingerprint are its own: a list knows them all from the start, a
 * stream of shards has no length and goes by shards. One file in lib/data/sources/ and a row in its table add another.
 */
export interface DataSource {
  /** What names it in messages: the file with the captions, or the folder. */
  readonly path: string
  /** Its row in the table of sources. */
  readonly format: string
  /** Of formats that hold several parts. */
  readonly split?: string | undefined
  /** How many samples an epoch has, where that is known before they are read. */
  readonly size: number | undefined
  /** What was left out when it was opened, and what else is odd about it, in sentences. */
  readonly notes?: readonly string[]
  /** By what results on it are measured unless somebody says otherwise. */
  readonly protocol: ProtocolName
  /** A digest in hex, equal as long as the same seed gives the same samples: a resumed run compares it. */
  identity(): Promise<string>
  /** An epoch's samples: a pure function of the seed, the epoch, `apart` and the data. */
  samples(start: EpochStart): Iterable<PlacedSample> | AsyncIterable<PlacedSample>
  /** A sample by its own number, its picture to be read when it is wanted. @throws ClipwrightError what it can be wrong with */
  sample(index: number): Promise<Sample>
  /** What messages call a sample, as its reader finds it: `entry 5 of pairs.json`, where the first is 1. */
  nameOf(index: number): string
  /** Up to `count` captions from all over the data, to see what they are like. */
  someCaptions(count: number): Promise<string[]>
  /** @throws ClipwrightError what the data can be wrong with */
  retrieval(): Promise<RetrievalView>
}

/** Which part of what is at a path is meant. */
export type SourceOptions = {
  /** The part of the data, where the format has parts; `use` by default. */
  split?: string | undefined
  use?: 'train' | 'val' | 'test'
  /** Whether pictures may lie outside the list's folder; false by default. */
  absolutePaths?: boolean | undefined
  /** Of lists and tables: the key or column with the picture's path; 'image' or 'filepath' by default. Of shards: the ending. */
  imageKey?: string | undefined
  /** The one with its caption; 'caption' or 'title' by default. Of shards and folders: the ending, or a key of the JSON. */
  captionKey?: string | undefined
  /** Of data that are read in blocks from their beginning: among how many samples the next is drawn; 1024 by default. */
  shuffleBuffer?: number | undefined
  /** Of folders with one of pictures for each class: what is said of a picture, from the class's name. */
  captionsOfClass?: ((name: string) => string[]) | undefined
  /** Of lists and tables: entries that are not what they should be are left out and written down here; without, the first is an error. */
  faults?: Faults | undefined
}
