/** An option, told once: types, checks, flags, help and docs are made from it. Public types come from here: no zod. */

/** What kind of value an option has; `kinds.ts` has the common ones, and the checks. */
export type Kind<T> = {
  /** On the command line; without it there is no flag. */
  readonly flag?: Flag<T>
}

/** How a value is told on the command line. */
export type Flag<T> = {
  /** As help shows it: `<n>`, or `[policy]` where it may be left out. Without it the flag is a switch. */
  readonly value?: string
  /** What is expected, for messages: `a whole number of at least 1`. */
  readonly expected?: string
  readonly choices?: readonly string[]
  /**
   * The value that the text behind the flag means; undefined where that is not of this kind.
   * @param before what an earlier one of a flag that may be repeated gave
   */
  read?(text: string, before?: T): T | undefined
}

/** What is said of an option. */
export type Told<D> = {
  /** For --help and the docs: half a sentence. */
  readonly help: string
  readonly default?: D
  /** What happens when it is not given, where no one value says that: `a fifth of the run`. */
  readonly otherwise?: string
  /** Help of the flag that starts with `--no-`; without it there is none. */
  readonly off?: string
  /** The flag's value as help shows it, where its kind's word says too little. */
  readonly value?: string
}

/** `D`: its default, or undefined. */
export type Option<T, D = unknown> = Told<D> & { readonly default: D; readonly kind: Kind<T> }

/** Options by name. */
// biome-ignore lint/suspicious/noExplicitAny: a kind both gives values and takes them, so no narrower type fits all.
export type Options = { readonly [name: string]: Option<any> }

/** What an option's value may be. */
// biome-ignore lint/suspicious/noExplicitAny: only its kind is looked at.
export type ValueOf<O> = O extends { readonly kind: Kind<infer T> } ? T : any

/** The values with defaults in their places. */
export type Filled<O extends Options> = {
  [K in keyof O as O[K]['default'] extends undefined ? never : K]: ValueOf<O[K]>
} & {
  [K in keyof O as O[K]['default'] extends undefined ? K : never]?: ValueOf<O[K]>
}
