/** What a run keeps of each epoch in files that other programs read: lines of text, and TensorBoard's events. */
import { RECALL_COLUMNS } from '../eval/metrics.js'
import { fileHeader, scalarEvent } from '../report/tensorboard.js'
import type { TrainEvent } from './events.js'
import type { RunFolder } from './run-folder.js'

/**
 * - `epoch_loss.txt`, `epoch_val_loss.txt`: a number a line, an epoch a line.
 * - `epoch_recall.txt`: the epoch, counted from 1, and the recall table in percent, between tabs under their names.
 * - `events.out.tfevents…`: scalars `loss` and `val_loss` by epoch, counted from 0 as the reference counts them.
 */
export class EpochFiles {
  readonly #folder: RunFolder

  constructor(folder: RunFolder) {
    this.#folder = folder
    if (folder.isEmpty('recall')) folder.append('recall', `${['epoch', ...RECALL_COLUMNS].join('\t')}\n`)
    if (folder.isEmpty('tensorboard')) folder.append('tensorboard', fileHeader(now()))
  }

  add(event: TrainEvent): void {
    if (event.type === 'epoch') this.#loss('loss', event)
    else if (event.type === 'validation' || event.type === 'eval') this.#loss('val_loss', event)
    if (event.type === 'eval') {
      const { epoch, recall } = event
      this.#folder.append('recall', `${[epoch + 1, ...RECALL_COLUMNS.map((name) => recall[name])].join('\t')}\n`)
    }
  }

  #loss(name: 'loss' | 'val_loss', { epoch, loss }: { epoch: number; loss: number }): void {
    this.#folder.append(name, `${loss}\n`)
    this.#folder.append('tensorboard', scalarEvent(name, epoch, loss, now()))
  }
}

const now = () => Date.now() / 1000
