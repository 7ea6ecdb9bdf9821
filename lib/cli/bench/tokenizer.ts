/** `clipwright bench tokenizer`: from texts to ids. */
import { type Command, Option } from 'commander'
import type { BenchTokenizerOptions, BenchTokenizerResult } from '../../bench/tokenizer.js'
import { JSON_OPTION, positiveNumber } from '../arguments.js'
import { examples } from '../examples.js'
import { printResult } from '../output.js'
import { asked } from '../usage.js'

type Flags = Omit<BenchTokenizerOptions, 'texts'> & { texts?: string; json?: boolean }

export function addBenchTokenizer(bench: Command): void {
  bench
    .command('tokenizer')
    .description('Texts to ids, cleaning included, by the time of one processor.')
    .addOption(new Option('--tokenizer <name>', 'which').choices(['clip', 'bert']).default('clip'))
    .option('--texts <file>', 'a text on each line (default: made up, English for clip, Chinese for bert)')
    .option('--count <n>', 'how many are made up', positiveNumber, 100_000)
    .option('--context-length <n>', 'ids each, padding included (default: 77 for clip, 52 for bert)', positiveNumber)
    .option('--runs <n>', 'passes over all texts, after one to warm up', positiveNumber, 5)
    .option(...JSON_OPTION)
    .addHelpText('after', examples('bench tokenizer --texts captions.txt', 'bench tokenizer --tokenizer bert --json'))
    .action(run)
}

async function run({ json, texts, ...options }: Flags, command: Command): Promise<void> {
  const [{ benchTokenizer }, { readTextLines }] = await Promise.all([
    import('../../bench/tokenizer.js'),
    import('../../files/text-lines.js'),
  ])
  const given = texts === undefined ? {} : { texts: (await readTextLines(texts)).lines }
  printResult(json, await asked(command, () => benchTokenizer({ ...options, ...given })), tokenizerText)
}

function tokenizerText(r: BenchTokenizerResult): string {
  return `${r.textsPerSecond.toFixed(0)} texts per second of processor time (slowest pass ${r.slowestPerSecond.toFixed(0)}), ${r.tokensPerText.toFixed(1)} ids per text`
}
