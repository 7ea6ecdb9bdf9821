/** Checkpoints on a hub: which files of a repository are needed, best first, and where they lie then. */
import { join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { parseHubAddress } from '../hub/address.js'
import type { HubOptions } from '../hub/settings.js'
import { type Snapshot, withSnapshot } from '../hub/snapshot.js'
import type { PretrainedModel } from '../models/pretrained.js'
import { defaultTokenizer } from '../models/resolve.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import { readTokenizerFiles, tokenizerFilesAmong } from '../tokenizer/json/beside.js'
import type { TokenizerFiles } from '../tokenizer/json/files.js'
import { INDEX_SUFFIX, shardsOf } from './formats/sharded.js'
import type { FolderFormat } from './layouts/layout.js'
import { openClipFolder } from './layouts/open-clip/folder.js'
import { FOLDERS } from './layouts/table.js'
import { weightsNames } from './weights-names.js'

/**
 * A folder with a repository's model: its description first, so that one which cannot be built costs no gigabytes.
 * @param address `hf-hub:owner/name[@revision]`
 * @param bare whether it may hold weights alone
 * @throws ClipwrightError as `withSnapshot`; ERR_NOT_FOUND for a repository without a model, and what reading its description throws
 */
export function fetchFolder(address: string, bare: boolean, options: HubOptions | undefined): Promise<string> {
  return withSnapshot(parseHubAddress(address), options, async (snapshot) => {
    const format = FOLDERS.find(({ config }) => snapshot.files.has(config))
    if (!format && !bare) {
      const configs = FOLDERS.map(({ config }) => config).join(' nor ')
      throw new ClipwrightError(
        'ERR_NOT_FOUND',
        `${address} holds neither ${configs}, so it is not a model that can be read.`,
      )
    }
    if (format) {
      await snapshot.fetch(described(format).filter((name) => snapshot.files.has(name)))
      const { config, tokenizer } = await format.read(snapshot.folder)
      await fetchTokenizerFiles(snapshot, tokenizer ?? defaultTokenizer(config))
    }
    await fetchWeights(snapshot, weightsNames(format), address)
    return snapshot.folder
  })
}

/**
 * The file of a tag's weights.
 * @throws ClipwrightError as `withSnapshot`
 */
export function fetchPretrained(
  { repository, file, config }: PretrainedModel,
  options: HubOptions | undefined,
): Promise<string> {
  const names =
    file === undefined ? weightsNames(openClipFolder) : [file.replace(/\.(bin|pth|pt)$/, '.safetensors'), file]
  return withSnapshot({ repository, revision: 'main' }, options, async (snapshot) => {
    await fetchTokenizerFiles(snapshot, defaultTokenizer(config))
    return join(snapshot.folder, await fetchWeights(snapshot, names, repository))
  })
}

/** What models call repositories from before those had owners. */
const OWNED: Readonly<Record<string, string>> = {
  'bert-base-uncased': 'google-bert/bert-base-uncased',
  'roberta-base': 'FacebookAI/roberta-base',
  'xlm-roberta-base': 'FacebookAI/xlm-roberta-base',
  'xlm-roberta-large': 'FacebookAI/xlm-roberta-large',
}

/**
 * The files of a tokenizer that is a repository of its own; undefined, and a process warning, where there are none: texts can
 * still be given as ids.
 */
export async function fetchTokenizer(
  name: string,
  options: HubOptions | undefined,
): Promise<TokenizerFiles | undefined> {
  const repository = Object.hasOwn(OWNED, name) ? OWNED[name] : name
  try {
    const address = parseHubAddress(`hf-hub:${repository}`)
    return await withSnapshot(address, options, async (snapshot) => {
      await snapshot.fetch(tokenizerFilesAmong(snapshot.files))
      return readTokenizerFiles(snapshot.folder)
    })
  } catch (error) {
    if (!(error instanceof ClipwrightError)) throw error
    const message = `The tokenizer "${name}" is not there, so texts must be given as ids: ${error.message}`
    process.emitWarning(message, { code: 'CLIPWRIGHT_NO_TOKENIZER' })
    return undefined
  }
}

async function fetchTokenizerFiles(snapshot: Snapshot, { type }: TokenizerChoice): Promise<void> {
  if (type === 'json') await snapshot.fetch(tokenizerFilesAmong(snapshot.files))
}

/** All files beside the weights that reading such a folder looks at. */
function described({ config, own, reads, weights }: FolderFormat): string[] {
  return [...new Set([config, ...own, ...reads])].filter((name) => !weights.includes(name))
}

/** @returns the name of the file, or of the index of several */
async function fetchWeights(snapshot: Snapshot, names: readonly string[], where: string): Promise<string> {
  const name = names.find((candidate) => snapshot.files.has(candidate))
  if (name === undefined) {
    throw new ClipwrightError('ERR_NOT_FOUND', `${where} holds no weights: expected one of ${names.join(', ')}.`)
  }
  await snapshot.fetch([name])
  if (name.endsWith(INDEX_SUFFIX)) await snapshot.fetch(await shardsOf(join(snapshot.folder, name)))
  return name
}
