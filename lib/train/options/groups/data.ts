/** What is learned from, and what is asked in between. */
import { choice, count, onOff, path, paths, rate, text, texts, weights } from '../../../base/kinds.js'
import { TRUNCATIONS } from '../../../tokenizer/truncation.js'
import { option } from '../declare.js'

export const DATA = {
  /**
   * The training list: JSON `[{ "image": path, "caption": string | string[] }]` or JSON Lines of such entries, or a table
   * (CSV, TSV), paths relative to it; or Karpathy's JSON, COCO's captions, or Chinese-CLIP's folder or texts; or tar shards
   * as webdataset and img2dataset write them: a path, a pattern (`a-{000..009}.tar`), a text file of paths or a folder.
   * Several are one set: an epoch has each sample of each once. Needed, unless `resume`, which takes the same data from
   * another place.
   */
  data: option(paths, {
    help: "training data: JSON, JSON Lines or CSV of { image, caption }, Karpathy's or COCO's JSON, Chinese-CLIP's folder, or tar shards (a-{000..009}.tar); may be repeated",
    // Data may move: what they are is compared, not where they lie.
    resume: 'free',
  }),
  /**
   * Of each source in `data`: how much of an epoch it has, in relation to the others, whose samples come more or less often
   * for it. An epoch still is as long as all sources together. By default each sample comes once.
   */
  dataWeights: option(weights, {
    help: "each source's part of an epoch, where --data is there several times",
    otherwise: 'each sample once',
    resume: 'fixed',
  }),
  /**
   * Draws every sample with replacement, as open_clip's `--dataset-resampled` draws shards: some come several times in an epoch,
   * others not at all. `dataWeights` then say how likely each source is to be drawn; false by default.
   */
  resampled: option(onOff, { default: false, help: 'draw samples with replacement', resume: 'fixed' }),
  /** The validation data, of any of these kinds; all of its captions are used. */
  val: option(path, { help: 'validation data, of any of these kinds', resume: 'free' }),
  /** Of `data`, where its format has splits; 'train' by default. */
  split: option(text, {
    value: '<name>',
    help: 'of --data, where it has splits',
    otherwise: 'train',
    resume: 'fixed',
  }),
  /** Of `val`; 'val' by default. */
  valSplit: option(text, { value: '<name>', help: 'of --val', otherwise: 'val', resume: 'free' }),
  /**
   * Seconds before the first step in which the pictures of `val` are read once, as an evaluation reads them; 10 by default. Those
   * that cannot be read end the run then. What is left is read beside the first steps, one picture at a time, and warned about.
   */
  checkVal: option(rate, {
    default: 10,
    value: '<seconds>',
    help: 'before the first step, for reading the pictures of --val once; the rest beside the first steps',
    resume: 'free',
  }),
  /** Whether lists may name pictures outside their own folder; false by default. */
  absolutePaths: option(onOff, { default: false, help: "allow pictures outside the lists' folders", resume: 'free' }),
  /** Of lists and tables: the key or column that holds the picture's path; 'image' or 'filepath' by default. */
  imageKey: option(text, {
    value: '<name>',
    help: "of lists and tables: where the picture's path is",
    otherwise: 'image or filepath',
    resume: 'fixed',
  }),
  /** Of lists and tables: the key or column that holds the caption or captions; 'caption' or 'title' by default. */
  captionKey: option(text, {
    value: '<name>',
    help: 'of lists and tables: where its caption is',
    otherwise: 'caption or title',
    resume: 'fixed',
  }),
  /**
   * Of data that are read in blocks from their beginning (Parquet with pictures in it): among how
   * many samples the next one is drawn, which are in memory, encoded; 1024 by default. All other data are shuffled as a whole.
   */
  shuffleBuffer: option(count, {
    default: 1024,
    help: 'samples among which the next is drawn, of data that are read in blocks',
    resume: 'fixed',
  }),
  /**
   * Of data that are a folder with one of pictures for each class: the captions, as texts with `{}` for the class's name, or
   * the set 'simple' (7, the default) or 'imagenet' (80). An epoch takes one of them for each picture.
   */
  templates: option(texts, {
    value: '<name|text>',
    help: 'of folders of classes: their captions, as simple, imagenet, or a text with {} for the name; may be repeated',
    otherwise: 'simple',
    resume: 'fixed',
  }),
  /** Cleans captions by `preCaption` before they are tokenized, those of the validation list, too; false by default. */
  preCaption: option(onOff, { default: false, help: 'clean captions as the reference does', resume: 'fixed' }),
  /** Whether training captions that are longer than the context lose their end ('cut', the default) or end the run. */
  truncation: option(choice(TRUNCATIONS), {
    default: 'cut',
    value: '<way>',
    help: 'captions longer than the context: cut them, or end with an error',
    resume: 'free',
  }),
  /** Pictures decoded side by side; 8 by default (libuv's UV_THREADPOOL_SIZE bounds how many really run). */
  workers: option(count, { default: 8, help: 'pictures decoded side by side', resume: 'free' }),
}
