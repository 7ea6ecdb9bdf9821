/** What libraries that wrap a model put into the names of its tensors. */

/** Before all names: of DistributedDataParallel, of a module of Lightning or of one's own that has the model as a part. */
const BEFORE_ALL = ['module.', 'model.', 'clip.']
/** Anywhere: of torch.compile, FSDP and activation checkpointing, around a model or parts of it. */
const ANYWHERE = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.(?=.)/
/** What wrappers keep beside the model: the count of AveragedModel. */
const BESIDE = new Set(['n_averaged'])
const MAX_WRAPPERS = 4

/** The names that a model's own state dict would have, and those that are stored; what wrappers keep for themselves is left out. */
export function withoutWrappers(stored: Iterable<string>): Map<string, string> {
  const all = [...stored]
  let own = all.filter((name) => !BESIDE.has(name)).map((name) => [withoutInner(name), name] as const)
  let removed = false
  for (let i = 0; i < MAX_WRAPPERS; i++) {
    const prefix = BEFORE_ALL.find((wrapper) => own.length > 0 && own.every(([name]) => name.startsWith(wrapper)))
    if (prefix === undefined) break
    removed = true
    own = own.map(([name, from]) => [name.slice(prefix.length), from])
  }
  const names = new Map(own)
  // Names that become alike were different for a reason.
  if (names.size < own.length) return new Map(all.map((name) => [name, name]))
  if (!removed) for (const name of all) if (BESIDE.has(name)) names.set(name, name)
  return names
}

function withoutInner(name: string): string {
  let own = name
  while (ANYWHERE.test(own)) own = own.replace(ANYWHERE, '$1')
  return own
}
