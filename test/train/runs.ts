/** Reading what a run left behind. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import type { ModelConfig } from '../../lib/models/config.js'
import type { TrainEvent, TrainWarning } from '../../lib/train/events.js'
import type { TrainRun } from '../../lib/train/run.js'

export const MODEL = 'ViT-tiny-test'
/** The least that still is a model: for what takes many checkpoints, which are 5 MB each. */
export const LIGHT: ModelConfig = {
  embed_dim: 16,
  vision_cfg: { image_size: 32, layers: 1, width: 16, head_width: 8, patch_size: 16, mlp_ratio: 2 },
  text_cfg: { context_length: 16, vocab_size: 49408, width: 8, heads: 1, layers: 1, mlp_ratio: 2 },
}

export async function eventsOf(run: TrainRun): Promise<TrainEvent[]> {
  const events: TrainEvent[] = []
  for await (const event of run) events.push(event)
  return events
}

/** The events in a run's log, without the times at which they were written. */
export function logOf(out: string): TrainEvent[] {
  return linesOf(out).map(({ time: _, ...event }) => event as TrainEvent)
}

/** The lines of a run's log, each as it is. */
export function linesOf(out: string): (TrainEvent & { time: string })[] {
  const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

/** The messages of warnings of one kind. */
export function warningsOf(events: TrainEvent[], code: TrainWarning): string[] {
  return events.flatMap((event) => (event.type === 'warning' && event.code === code ? [event.message] : []))
}

type StepEvent = TrainEvent & { type: 'step' }

/** What of the steps must be reproducible: all but times. */
export function stepsOf(events: TrainEvent[]) {
  const steps = events.filter((event): event is StepEvent => event.type === 'step')
  return steps.map(({ step, epoch, loss, lr, gradNorm, logitScale }) => ({
    step,
    epoch,
    loss,
    lr,
    gradNorm,
    logitScale,
  }))
}

/** A digest of every tensor of a checkpoint's file: equal when all bits are. */
export async function digestsOf(out: string, file: string, checkpoint = 'last'): Promise<Record<string, string>> {
  const { tensors } = await readSafetensors(join(out, 'checkpoints', checkpoint, file))
  const digest = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    createHash('sha256')
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest('hex')
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, digest(data)]))
}

export const WEIGHTS = 'open_clip_model.safetensors'
export const STATE = 'training.safetensors'
