/** The sentences around a class's name, and the names of ImageNet's classes. */
import { readFileSync } from 'node:fs'
import { invalid } from '../../base/errors.js'
import { show } from '../../base/options.js'

const FOLDER = new URL('./imagenet/', import.meta.url)

/** Sets of templates by name, as open_clip has them: 7 that do nearly as well as all, and OpenAI's 80. */
export type TemplateSet = 'simple' | 'imagenet'
const TEMPLATE_SETS: readonly TemplateSet[] = ['simple', 'imagenet']

/** A set by its name, or sentences with `{}` or `{c}` where the name goes. */
export type Templates = TemplateSet | readonly string[]

const PLACE = /\{c?\}/

/**
 * The sentences, each with a place for the name.
 * @param where the function that they were given to, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function templatesOf(templates: Templates, where: string): readonly string[] {
  if (typeof templates === 'string' && TEMPLATE_SETS.includes(templates)) return readSets()[templates]
  if (!Array.isArray(templates)) {
    const sets = TEMPLATE_SETS.map((name) => `"${name}"`).join(', ')
    throw invalid(`${where}: option "templates": expected ${sets} or a list of texts, got ${show(templates)}`)
  }
  if (templates.length === 0) throw invalid(`${where}: option "templates": expected at least one text, got none`)
  for (const template of templates) {
    if (typeof template === 'string' && PLACE.test(template)) continue
    throw invalid(`${where}: option "templates": expected {} or {c} where the name goes, got ${show(template)}`)
  }
  return templates
}

/** A set's name, or texts; the library's default where none is given. */
export function templatesFrom(given: readonly string[] | undefined): Templates | undefined {
  const [first, ...others] = given ?? []
  return others.length === 0 && (first === 'simple' || first === 'imagenet') ? first : given
}

/** The sentences about one class. */
export function fill(templates: readonly string[], name: string): string[] {
  // A function: a name may hold what `replace` takes for a pattern, as in "$&".
  return templates.map((template) => template.replaceAll(/\{c?\}/g, () => name))
}

/**
 * OpenAI's names for ImageNet's 1000 classes, in the order of their WordNet ids, which is that of the data's folders. Two
 * names stand for two classes each, "missile" and "sunglasses", as they do wherever figures for ImageNet are published.
 */
export function imagenetClassNames(): string[] {
  return JSON.parse(readFileSync(new URL('classes.json', FOLDER), 'utf8'))
}

function readSets(): Record<TemplateSet, string[]> {
  return JSON.parse(readFileSync(new URL('templates.json', FOLDER), 'utf8'))
}
