/** `clipwright models`: the models that can be named. */
import type { Command } from 'commander'
import type { ModelSummary } from '../models/summary.js'
import { table } from '../report/table.js'
import { JSON_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'

export function addModels(command: Command): void {
  command
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'models',
        'inspect ViT-B-32',
        'predict --model ViT-B-32 --pretrained openai \\\n    cat.jpg --text cat --text dog',
      ),
    )
    .action(run)
}

async function run(flags: { json?: boolean }): Promise<void> {
  const [{ listModels }, { summarizeModel }] = await Promise.all([
    import('../models/registry.js'),
    import('../models/summary.js'),
  ])
  printResult(flags.json, listModels().map(summarizeModel), modelsText)
}

function modelsText(models: readonly ModelSummary[], width: number): string {
  const sizes = table(
    ['name', 'M parameters', 'picture size', 'features'],
    models.map((m) => [m.name, (m.parameters / 1e6).toFixed(1), m.preprocess.size, m.model.embed_dim]),
  )
  const weights = models
    .filter(({ pretrained }) => pretrained.length > 0)
    .map(({ name, pretrained }) => {
      const rows = pretrained.map(({ tag, repository }) => [`  ${tag}`, repository])
      return table([name, ''], rows, width)
    })
  return `${sizes}\n\nWeights for --pretrained, and their repositories\n\n${weights.join('\n')}\n\nRepositories are on the Hugging Face hub; whose weights they are, and the licences, is said there.`
}
