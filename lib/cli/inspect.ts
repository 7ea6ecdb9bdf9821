/** `clipwright inspect`: what a checkpoint or a file of weights holds. */
import type { Command } from 'commander'
import { sizeText } from '../base/bytes.js'
import { counted, countedInUnits } from '../base/counted.js'
import type { Inspection } from '../checkpoint/inspect.js'
import type { ModelSummary } from '../models/summary.js'
import { table } from '../report/table.js'
import { hangWords, whole } from '../report/wrap-words.js'
import { JSON_OPTION, KEY_OPTION, OFFLINE_OPTION } from './arguments.js'
import { examples } from './examples.js'
import { printResult } from './output.js'

export function addInspect(command: Command): void {
  command
    .argument(
      '<path|name>',
      'a folder, a file (.safetensors, .pt, .pth, .bin), hf-hub:owner/name, or the name of a built-in model',
    )
    .option(...KEY_OPTION)
    .option(...OFFLINE_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      examples('inspect runs/a/checkpoints/best', 'inspect weights.pt --key teacher --json', 'inspect ViT-B-32'),
    )
    .action(run)
}

type Flags = { json?: boolean; key?: string; offline?: boolean }

async function run(path: string, { json, ...options }: Flags): Promise<void> {
  const { inspectModel } = await import('../checkpoint/inspect.js')
  printResult(json, await inspectModel(path, options), inspectionText)
}

function inspectionText(found: Inspection | ModelSummary, width: number): string {
  const { parameters, memory } = found
  const size = `${countedInUnits(parameters, 'parameter')} (${sizeText(memory.fp32)} in fp32, ${sizeText(memory.bf16)} in bf16)`
  const described = [
    ...hangWords('model ', spacedJson(found.model), width),
    ...hangWords('preprocess ', spacedJson(found.preprocess), width),
  ]
  if ('name' in found) {
    const weights = found.pretrained.flatMap((one) =>
      hangWords('--pretrained ', `${one.tag}: ${one.repository}`, width),
    )
    const head = `${found.family}; ${size}; a name holds no weights`
    return [found.name, head, ...described, ...weights].join('\n')
  }
  const { path, tensors, bytes, model, placeholders } = found
  const head = [whole(path), `${counted(tensors.length, 'tensor')}, ${size}, ${sizeText(bytes)} in the file`]
  const rows = tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`])
  const alone = placeholders.length > 0 ? [`left alone, nothing of it was run: ${placeholders.join(', ')}`] : []
  const known = [...originLines(found), ...(model ? described : []), ...alone]
  return [...head, ...known, '', table(['name', 'dtype', 'shape'], rows, width)].join('\n')
}

function originLines({ family, origin, license }: Inspection): string[] {
  const classes = origin.architectures.length > 0 ? ` of ${origin.architectures.join(', ')}` : ''
  return [
    ...(family ? [`${family}, in layout ${origin.layout}${classes}`] : []),
    ...(license ? [`license ${license}`] : []),
  ]
}

/** With spaces, where its lines may end. */
const spacedJson = (value: unknown) => JSON.stringify(value, null, 1).replace(/\n */g, ' ')
