/**
 * The commands, in the order of --help. Only the one that runs is loaded: all others are a name and a sentence, so that
 * `clipwright --help` and every command start quickly.
 */
import type { Command } from 'commander'

type Row = {
  name: string
  description: string
  /** What adds its arguments, its options and what it does. */
  options: () => Promise<(command: Command) => void>
}

const COMMANDS: readonly Row[] = [
  {
    name: 'train',
    description: 'Trains a model on your own pictures. Ctrl-C finishes the step and saves; a second one stops at once.',
    options: async () => (await import('./train.js')).addTrain,
  },
  {
    name: 'data',
    description: 'What is in training data.',
    options: async () => (await import('./data.js')).addData,
  },
  {
    name: 'plan',
    description:
      "What training takes of memory on each rank, by the engine's own plan; with --memory the micro-batch and checkpointing that fit.",
    options: async () => (await import('./plan.js')).addPlan,
  },
  {
    name: 'ledger',
    description:
      'What each sample of a run cost: the hardest pairs, likely mislabels, and those that were never seen, of a run with --ledger.',
    options: async () => (await import('./ledger.js')).addLedger,
  },
  {
    name: 'eval',
    description:
      'Recall at 1, 5 and 10 in both directions, with its 95 % interval and the protocol it was measured by.',
    options: async () => (await import('./eval.js')).addEval,
  },
  {
    name: 'predict',
    description:
      'Which of several texts a picture shows: probabilities of the texts, by softmax of logit_scale · similarity.',
    options: async () => (await import('./predict.js')).addPredict,
  },
  {
    name: 'classify',
    description: 'Which of several classes a picture shows, by their names alone: each is put into sentences first.',
    options: async () => (await import('./classify.js')).addClassify,
  },
  {
    name: 'probe',
    description:
      'How well classes can be told from frozen features: logistic regression, whose regularisation is the best on validation pictures.',
    options: async () => (await import('./probe.js')).addProbe,
  },
  {
    name: 'encode',
    description:
      'Writes features of pictures or texts to a file: a tensor `embeddings` of rows of length 1, with their ids (paths or line numbers) in the metadata.',
    options: async () => (await import('./encode.js')).addEncode,
  },
  {
    name: 'inspect',
    description:
      "What a checkpoint folder or a file of weights holds, of which nothing is run; or a built-in model's configuration.",
    options: async () => (await import('./inspect.js')).addInspect,
  },
  {
    name: 'convert',
    description: 'Writes a model in the layout of another library, or in another type. The model is not built for it.',
    options: async () => (await import('./convert.js')).addConvert,
  },
  {
    name: 'interpolate',
    description:
      'Weights between those of two checkpoints of one model, A before and B after fine-tuning, say: (1 - alpha) · A + alpha · B.',
    options: async () => (await import('./interpolate.js')).addInterpolate,
  },
  {
    name: 'models',
    description:
      'The built-in models: names for --model of train and bench, and the tags of weights that --pretrained downloads for them.',
    options: async () => (await import('./models.js')).addModels,
  },
  {
    name: 'bench',
    description: 'How fast this machine is.',
    options: async () => (await import('./bench.js')).addBench,
  },
  {
    name: 'doctor',
    description: 'What this machine offers: processor, memory, CUDA driver, cards and libraries, and what is missing.',
    options: async () => (await import('./doctor.js')).addDoctor,
  },
]

/** @param args of the process, without node and the script */
export function commandIn(args: readonly string[]): Row | undefined {
  // No option that stands before a command takes a value.
  const [first, second] = args.filter((arg) => !arg.startsWith('-'))
  const asked = first === 'help' ? second : first
  return COMMANDS.find(({ name }) => name === asked)
}

/** @param asked the one that is loaded */
export async function addCommands(program: Command, asked: Row | undefined): Promise<void> {
  for (const row of COMMANDS) {
    const command = program.command(row.name).description(row.description)
    if (row === asked) (await row.options())(command)
  }
}

/**
 * Where help is asked for with a command that is none: what is asked then, so that the answer is that to the command itself.
 * @param program after `addCommands`
 */
export function withoutHelp(program: Command, args: readonly string[]): readonly string[] {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const path: string[] = []
  let at: Command | undefined = program
  let isHelp = false
  for (const word of words) {
    if (!at || at.commands.length === 0) return args
    if (word === 'help') {
      isHelp = true
      continue
    }
    path.push(word)
    at = named(at, word)
    if (isHelp && !at) return path
  }
  return args
}

const named = ({ commands }: Command, name: string) => commands.find((command) => command.name() === name)
