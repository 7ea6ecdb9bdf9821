/** SentencePiece's models as they lie in folders that have no tokenizer.json. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { isMissing } from '../../files/exists.js'
import { requireRegularFile } from '../../files/regular-file.js'
import type { TextFile } from '../json/files.js'
import { arrangementOf, SENTENCEPIECE_CLASSES } from './classes.js'
import { describeSentencePiece } from './describe.js'
import { parseSentencePiece } from './model-proto.js'

/** As transformers' classes call them. */
export const SENTENCEPIECE_NAMES = ['sentencepiece.bpe.model', 'spiece.model', 'tokenizer.model'] as const

/**
 * The first of these files as a tokenizer.json; undefined where there is none.
 * @param className of transformers, where a file beside says it
 * @throws ClipwrightError ERR_FORMAT for what is no such model, or not the class's; ERR_UNSUPPORTED for a class whose ids are
 *   not known; ERR_IO
 */
export async function readSentencePiece(folder: string, className: string | undefined): Promise<TextFile | undefined> {
  for (const name of SENTENCEPIECE_NAMES) {
    const where = join(folder, name)
    const bytes = await read(where)
    if (bytes === undefined) continue
    const arrange = arrangementOf(className, name)
    if (!arrange) {
      const message = `${where} is for the tokenizer class "${className}", whose ids are not known here; known are ${SENTENCEPIECE_CLASSES.join(', ')}. Put the tokenizer.json that transformers saves into the folder.`
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    const model = parseSentencePiece(bytes, where)
    const arranged = arrange(model)
    if (arranged) return { text: JSON.stringify(describeSentencePiece(model, arranged, where)), where }
    const message = `${where} lacks the tokens that ${className ?? 'its name'} has: it is another tokenizer's.`
    throw new ClipwrightError('ERR_FORMAT', message)
  }
  return undefined
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    await requireRegularFile(path)
    return await readFile(path)
  } catch (cause) {
    if (isMissing(cause as NodeJS.ErrnoException)) return undefined
    throw new ClipwrightError('ERR_IO', `${path} could not be read (${(cause as Error).message}).`, { cause })
  }
}
