import type { Candidate } from './candidate.js'
import type { DataSource, SourceOptions } from './source.js'

/** A row of the table of sources. */
export type SourceKind = {
  /** What it takes, for the message that there is nothing of the kind. */
  takes: string
  /** Whether this is one, by its name and what it begins with. A file that is broken elsewhere is opened, which fails. */
  fits(candidate: Candidate, options: SourceOptions): boolean | Promise<boolean>
  open(candidate: Candidate, options: SourceOptions): Promise<DataSource>
}
