/** OpenAI's own weights under a model that computes another function of them. */

/** What OpenAI's archives hold beside weights; files that others saved under its names do not. */
const SIZES = ['input_resolution', 'context_length', 'vocab_size']

type Activated = { vision: { activation: string }; text: { activation: string } }

/**
 * What it means that weights which OpenAI made with QuickGELU in both towers are loaded into a model with something else
 * in one of them, as the reference system does: its causal text tower has tanh GELU. Undefined where nothing is to be said.
 */
export function activationNote(stored: ReadonlyMap<string, unknown>, { vision, text }: Activated, path: string) {
  if (!SIZES.every((name) => stored.has(name))) return undefined
  const others = Object.entries({ image: vision, text }).filter(([, { activation }]) => activation !== 'quick_gelu')
  if (others.length === 0) return undefined
  const towers = others.map(([tower, { activation }]) => `${tower} tower has ${activation}`).join(' and its ')
  return `${path} holds OpenAI's own weights, which were trained with quick_gelu in both towers, but this model's ${towers}: its features differ from OpenAI's. That is how the reference system uses them; for OpenAI's features take the model with "-quickgelu" in its name, such as ViT-B-32-quickgelu.`
}
