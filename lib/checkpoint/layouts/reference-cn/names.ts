/** Names of the reference, whose BERT tower lies at the model's root and is projected by a matrix of its own. */

/** `text.transformer.…` → `transformer.…`, `text.proj.weight` → `text_projection`; other parameters keep their names. */
export function referenceName(name: string): string {
  return name.replace(/^text\.proj(\.weight$)?/, 'text_projection').replace(/^text\./, '')
}
