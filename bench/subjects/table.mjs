// The subjects, a file each, in the order of RESULTS.md.
import { checkpoint } from './checkpoint.mjs'
import { data } from './data.mjs'
import { gemm } from './gemm.mjs'
import { infer } from './infer.mjs'
import { loss } from './loss.mjs'
import { optimizer } from './optimizer.mjs'
import { profile } from './profile.mjs'
import { retrieval } from './retrieval.mjs'
import { start } from './start.mjs'
import { step } from './step.mjs'
import { tokenizer } from './tokenizer.mjs'

/**
 * @typedef {object} Figure of a trial's JSON
 * @property {string} key
 * @property {string} title
 * @property {string} unit
 * @property {boolean} higher whether more is better
 *
 * @typedef {object} Contender
 * @property {'ours' | 'python' | 'onnxruntime' | 'node'} environment
 * @property {(row: object, o: Run) => (string | number)[] | undefined} args its program and arguments; undefined: takes no part
 * @property {(row: object) => number} [needsMiB] memory
 *
 * @typedef {object} Run
 * @property {boolean} quick fewer and shorter measurements
 * @property {(name: string) => string} artefact path of what suite/artefacts.mjs made
 *
 * @typedef {object} Subject
 * @property {string} title
 * @property {string} about a sentence or two, below the title
 * @property {Figure[]} figures the first is what ratios are of
 * @property {(row: object) => string[]} parts of the case's name
 * @property {(row: object) => string[]} [artefacts]
 * @property {Record<string, Contender>} contenders clipwright first
 */

/** @type {Record<string, Subject>} */
export const SUBJECTS = {
  step,
  profile,
  infer,
  loss,
  data,
  tokenizer,
  optimizer,
  checkpoint,
  gemm,
  retrieval,
  start,
}
