/** `clipwright convert`: from one layout to another. */
import { type Command, Option } from 'commander'
import type { Conversion } from '../checkpoint/convert.js'
import { LAYOUTS, type Layout, SAVED_TYPES, type SavedType } from '../checkpoint/layouts/ids.js'
import { ARCHITECTURE_OPTION, JSON_OPTION, KEY_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'

type Flags = { layout?: Layout; dtype?: SavedType; architecture?: string; key?: string; json?: boolean }

export function addConvert(command: Command): void {
  command
    .argument('<in>', 'a checkpoint folder or a file of weights')
    .argument('<out>', 'a folder, or a file that ends in .safetensors')
    .addOption(new Option('--layout <name>', "whose names and folder; 'open_clip' by default").choices(LAYOUTS))
    .addOption(
      new Option('--dtype <type>', "what weights are rounded to; 'fp32' by default, 'int8' with --layout onnx").choices(
        SAVED_TYPES,
      ),
    )
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'convert runs/a/checkpoints/best my-hf-model --layout hf',
        'convert ViT-B-32.pt b32 --architecture ViT-B-32-quickgelu',
        'convert my-model for-browsers --layout onnx --dtype int8',
      ),
    )
    .action(run)
}

async function run(input: string, output: string, flags: Flags): Promise<void> {
  const { layout, dtype, architecture, key } = flags
  const { convert } = await import('../checkpoint/convert.js')
  const options = {
    ...(layout && { layout }),
    ...(dtype && { dtype }),
    ...(architecture && { model: architecture }),
    ...(key && { key }),
  }
  printResult(flags.json, await convert(input, output, options), convertedText)
}

function convertedText({ from, to, parameters }: Conversion): string {
  const size = `${(parameters / 1e6).toFixed(2)} M parameters`
  return `${to.path} holds ${size} in layout ${to.layout} as ${to.dtype}, from ${from.path} in layout ${from.layout}.`
}
