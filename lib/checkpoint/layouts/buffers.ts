/** Buffers of BERT's embeddings, which older versions of transformers stored: they count from 0 up. */
export const isBuffer = (name: string): boolean => /(^|\.)embeddings\.(position_ids|token_type_ids)$/.test(name)
