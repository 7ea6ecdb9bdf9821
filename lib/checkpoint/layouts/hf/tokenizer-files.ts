/** Names of files that every tokenizer of transformers may have. */
export const TOKENIZER_NAME = 'tokenizer.json'
export const TOKENIZER_CONFIG_NAME = 'tokenizer_config.json'
