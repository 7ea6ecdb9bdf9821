/** How deep in its tower a parameter lies: what locks and learning rates by layer go by. */

export type Tower = 'image' | 'text'

/**
 * Layers of a tower from below: 0 is what makes tokens, 1 to `blocks` are the blocks, `blocks` + 1 is the rest. `inLast`: the
 * norm after the blocks, which a lock takes with the last of them. `outside`: a head that open_clip keeps beside the tower and
 * that no lock holds.
 */
export type Depth = { tower: Tower; layer: number; blocks: number; inLast: boolean; outside: boolean }

const BLOCK = /(?:^|\.)(?:resblocks|blocks|encoder\.layer|layers)\.(\d+)\./
const BELOW =
  /(?:^|\.)(?:conv1|class_embedding|cls_token|pos_embed|positional_embedding|patch_embed|ln_pre|norm_pre|token_embedding|embeddings)\b/
const LAST_NORM = /^(?:visual\.ln_post|ln_final|text\.ln_final)\./
/** timm counts all norms beside the blocks so (`group_matcher`), that before them included. */
const TIMM_NORM = /^visual\.trunk\.norm(?:_pre)?\./
/** Of open_clip's towers that wrap another library's: timm's, transformers'. */
const WRAPPED = { image: /^visual\.trunk\./, text: /^text\.transformer\.(?!resblocks)/ }

/** One entry for each name (the core's); nothing for what belongs to neither tower, as logit_scale. */
export function depthsOf(names: readonly string[]): (Depth | undefined)[] {
  const towers = names.map(towerOf)
  const blocks = (tower: Tower) =>
    1 + Math.max(-1, ...names.map((name, i) => (towers[i] === tower ? Number(BLOCK.exec(name)?.[1] ?? -1) : -1)))
  const count = { image: blocks('image'), text: blocks('text') }
  const wrapped = (tower: Tower) => names.some((name) => WRAPPED[tower].test(name))
  const isWrapped = { image: wrapped('image'), text: wrapped('text') }
  return names.map((name, i) => {
    const tower = towers[i]
    if (tower === undefined) return undefined
    const block = BLOCK.exec(name)?.[1]
    const layer = block !== undefined ? Number(block) + 1 : BELOW.test(name) ? 0 : count[tower] + 1
    const outside = isWrapped[tower] && !WRAPPED[tower].test(name)
    const inLast = TIMM_NORM.test(name) || (!isWrapped[tower] && LAST_NORM.test(name))
    return { tower, layer, blocks: count[tower], inLast, outside }
  })
}

function towerOf(name: string): Tower | undefined {
  if (/^logit_(scale|bias)$/.test(name) || /\.lora_[AB]$/.test(name)) return undefined
  return name.startsWith('visual.') ? 'image' : 'text'
}

/**
 * Whether a lock that leaves the last `unlocked` groups free holds a parameter. Groups as open_clip counts them: what makes
 * tokens, each block, the last one together with the norm after it, the projection; in wrapped towers the blocks and what
 * comes after them.
 */
export function isLocked({ layer, blocks, inLast, outside }: Depth, unlocked: number): boolean {
  if (outside) return false
  const groups = blocks + 2
  return (inLast ? blocks : layer) < groups - unlocked
}
