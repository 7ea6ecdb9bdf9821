const CONTEXT = { clip: 77, bert: 52 }
const texts = { clip: 'texts/en.txt', bert: 'texts/zh.txt' }
const runs = ({ quick }) => (quick ? 1 : 5)
const peer = (program, library) => (row, o) => [
  program,
  library,
  row.tokenizer,
  o.artefact(texts[row.tokenizer]),
  CONTEXT[row.tokenizer],
  runs(o),
  o.artefact('onnx/ViT-B-32'),
  o.artefact('vocab.txt'),
]

export const tokenizer = {
  title: 'Tokenizers',
  about:
    "Texts to padded ids, cleaning included, by the time of one processor. English captions with CLIP's tokenizer, Chinese ones with BERT's; captions are names and tags of emoji strung together, all different.",
  figures: [{ key: 'textsPerSecond', title: 'texts/s', unit: 'texts/s', higher: true }],
  parts: ({ tokenizer }) => [tokenizer === 'clip' ? 'CLIP, English' : 'BERT, Chinese'],
  artefacts: ({ tokenizer }) => [texts[tokenizer], 'onnx/ViT-B-32', 'vocab.txt'],
  contenders: {
    clipwright: {
      environment: 'ours',
      args: (row, o) => [
        ...['cli', 'bench', 'tokenizer', '--tokenizer', row.tokenizer, '--texts', o.artefact(texts[row.tokenizer])],
        ...['--context-length', CONTEXT[row.tokenizer], '--runs', runs(o), '--json'],
      ],
    },
    open_clip: {
      environment: 'python',
      args: (row, o) => (row.tokenizer === 'clip' ? peer('tokenizer.py', 'open_clip')(row, o) : undefined),
    },
    transformers: { environment: 'python', args: peer('tokenizer.py', 'transformers') },
    'transformers.js': {
      environment: 'node',
      args: (row, o) => (row.tokenizer === 'clip' ? peer('tokenizer.mjs', 'transformers.js')(row, o) : undefined),
    },
  },
}
