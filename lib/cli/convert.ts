/** `clipwright convert`: from one layout to another. */
import { type Command, Option } from 'commander'
import type { Conversion } from '../checkpoint/convert.js'
import { LAYOUTS, type Layout, SAVED_TYPES, type SavedType } from '../checkpoint/layouts/ids.js'
import type { Int8Conversion } from '../eval/convert-int8.js'
import { whole } from '../report/wrap-words.js'
import { ARCHITECTURE_OPTION, decimal, JSON_OPTION, KEY_OPTION, OFFLINE_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { EXIT_USAGE, printResult } from './output.js'
import { asked } from './usage.js'

type Flags = {
  layout?: Layout
  dtype?: SavedType
  check?: string
  maxDrop?: number
  architecture?: string
  key?: string
  offline?: boolean
  json?: boolean
}

export function addConvert(command: Command): void {
  command
    .argument('<in>', 'a checkpoint folder or a file of weights')
    .argument('<out>', 'a folder, or a file that ends in .safetensors')
    .addOption(new Option('--layout <name>', "whose names and folder; 'open_clip' by default").choices(LAYOUTS))
    .addOption(
      new Option(
        '--dtype <type>',
        "what weights are rounded to; 'fp32' by default; 'int8' is for encoding with --precision int8, and for browsers with --layout onnx",
      ).choices(SAVED_TYPES),
    )
    .option('--check <path>', 'of int8: captioned pictures, on which recall is measured before and after')
    .option('--max-drop <points>', 'how far r_mean may fall, in percentage points (default: 0.5)', decimal)
    .option(...ARCHITECTURE_OPTION)
    .option(...KEY_OPTION)
    .option(...OFFLINE_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples(
        'convert runs/a/checkpoints/best my-hf-model --layout hf',
        'convert ViT-B-32.pt b32 --architecture ViT-B-32-quickgelu',
        'convert my-model for-browsers --layout onnx --dtype int8',
        'convert runs/a/checkpoints/best a-int8 --dtype int8 \\\n    --check val.json --max-drop 0.5',
      ),
    )
    .action(run)
}

async function run(input: string, output: string, flags: Flags, command: Command): Promise<void> {
  const { layout, dtype, check, maxDrop, architecture, key, offline } = flags
  if (dtype === 'int8' && layout !== 'onnx') return runInt8(input, output, flags, command)
  if (check !== undefined || maxDrop !== undefined)
    command.error('error: --check and --max-drop go with --dtype int8 in layout open_clip.', { exitCode: EXIT_USAGE })
  const { convert } = await import('../checkpoint/convert.js')
  const options = {
    ...(layout && { layout }),
    ...(dtype && { dtype }),
    ...(architecture && { model: architecture }),
    ...(key && { key }),
    ...(offline && { offline }),
  }
  printResult(flags.json, await asked(command, () => convert(input, output, options)), convertedText)
}

async function runInt8(input: string, output: string, flags: Flags, command: Command): Promise<void> {
  const { layout = 'open_clip', check, maxDrop, architecture, key, offline } = flags
  if (layout !== 'open_clip')
    command.error(`error: --dtype int8 is written in the layouts open_clip and onnx, not ${layout}.`, {
      exitCode: EXIT_USAGE,
    })
  if (maxDrop !== undefined && check === undefined)
    command.error('error: --max-drop needs --check.', { exitCode: EXIT_USAGE })
  const { convertToInt8 } = await import('../eval/convert-int8.js')
  const options = {
    ...(check && { check }),
    ...(maxDrop !== undefined && { maxDrop }),
    ...(architecture && { model: architecture }),
    ...(key && { key }),
    ...(offline && { offline }),
  }
  printResult(flags.json, await asked(command, () => convertToInt8(input, output, options)), int8Text)
}

function int8Text({ from, to, int8 }: Int8Conversion): string {
  const { rounded, kept, check } = int8
  const layers = kept.length > 0 ? `; as bf16 stayed ${kept.join(', ')}` : ''
  const recall = check
    ? `r_mean on ${check.data} is ${check.after.toFixed(2)}, and was ${check.before.toFixed(2)}`
    : 'recall was not measured (--check)'
  return `${to.path} holds ${rounded.length} weights of ${from.path} in 8 bits${layers}; ${recall}.`
}

function convertedText({ from, to, parameters }: Conversion): string {
  const size = `${(parameters / 1e6).toFixed(2)} M parameters`
  return `${whole(to.path)} holds ${size} in layout ${to.layout} as ${to.dtype}, from ${whole(from.path)} in layout ${from.layout}.`
}
