import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { modelConfig } from '../../lib/models/registry.js'
import { parseTrainOptions } from '../../lib/train/options/parse.js'
import { type TrainRun, train } from '../../lib/train/run.js'
import { startingModel } from '../../lib/train/starting-model.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, logOf, MODEL, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps an epoch, 8 in all. */
const options = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3 } as const
let data: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
})

const refusal = (message: string | RegExp, code = 'ERR_INVALID_ARGUMENT') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

async function weightsOf(file: string): Promise<Record<string, unknown>> {
  const { tensors } = await readSafetensors(file)
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]))
}

async function stopAt(run: TrainRun, step: number): Promise<void> {
  for await (const event of run) if (event.type === 'step' && event.step === step) break
  await run.stop()
}

describe('freeze', () => {
  const frozen = { freeze: ['visual.*', 'transformer.resblocks.?.attn.in_proj_bias', 'logit_scale'] }
  const isFrozen = (name: string) => /^visual\.|in_proj_bias$|^logit_scale$/.test(name)

  test('leaves what it names as it was, and trains the rest', async () => {
    await train({ ...options, ...frozen, data, out: path('frozen') }).result
    await using fresh = await Clip.create(MODEL, { device: 'cpu', threads: 1 })
    await fresh.save(path('fresh.safetensors'))
    const before = await weightsOf(path('fresh.safetensors'))
    const after = await weightsOf(join(path('frozen'), 'checkpoints/last', WEIGHTS))
    expect(Object.keys(before).filter(isFrozen).length).toBeGreaterThan(10)
    for (const [name, values] of Object.entries(after)) {
      if (isFrozen(name)) expect(values, name).toEqual(before[name])
      else expect(values, name).not.toEqual(before[name])
    }
  })

  test('holds for a run that is resumed, to the same bits', async () => {
    const out = path('stopped')
    await stopAt(train({ ...options, ...frozen, data, out }), 2)
    await train({ resume: out }).result
    for (const file of [WEIGHTS, STATE]) {
      expect(await digestsOf(out, file)).toEqual(await digestsOf(path('frozen'), file))
    }
  })

  test('may change when a run goes on, which then is another one', async () => {
    const out = path('thawed')
    await stopAt(train({ ...options, ...frozen, data, out }), 4)
    const events = await eventsOf(train({ resume: out, freeze: [] }))
    expect(events).toContainEqual(
      expect.objectContaining({ code: 'not_exact', message: expect.stringMatching(/freeze/) }),
    )
    const after = await weightsOf(join(out, 'checkpoints/last', WEIGHTS))
    const before = await weightsOf(path('fresh.safetensors'))
    expect(after['visual.conv1.weight']).not.toEqual(before['visual.conv1.weight'])
  })

  test.each([
    [['visual.*', 'visul.*'], /option "freeze": "visul\.\*" matches no parameter; did you mean "visual\.\*"\.$/],
    [['isual.conv1.weigh'], /did you mean "visual\.conv1\.weight"/],
    [['/regular|expression/'], /matches no parameter; names are open_clip's, here visual\.\*, .*, logit_scale\.$/],
    [['logit_scal?_x'], /did you mean "logit_scale"/],
    [['visual.conv1'], /"visual\.conv1" matches no parameter/],
    [['*'], /\* matches all \d+ parameters, so there is nothing to train\.$/],
    [[''], /option "freeze\.0"/],
  ])('%j is refused', async (freeze, message) => {
    await expect(train({ ...options, data, freeze, out: path('never') }).result).rejects.toThrow(refusal(message))
  })
})

describe('startEpoch', () => {
  test('goes on with that epoch: its samples, its learning rates, a new optimizer', async () => {
    await train({ ...options, data, out: path('whole'), keep: 2 }).result
    const load = join(path('whole'), 'checkpoints/step-4')
    const out = path('second')
    const { model: _, ...rest } = options
    const result = await train({ ...rest, data, load, startEpoch: 1, out }).result
    expect(result).toMatchObject({ steps: 8, epochs: 2 })
    const whole = stepsOf(logOf(path('whole'))).slice(4)
    const steps = stepsOf(logOf(out))
    const place = ({ step, epoch, lr }: (typeof steps)[number]) => ({ step, epoch, lr })
    expect(steps.map(place)).toEqual(whole.map(place))
    // The same weights see the same batch; the step that follows from it is a first one of AdamW's.
    expect(steps[0]!.loss).toBe(whole[0]!.loss)
    expect(steps[1]!.loss).not.toBe(whole[1]!.loss)
    const { metadata } = await readSafetensors(join(out, 'checkpoints/last', STATE))
    expect(JSON.parse(metadata.clipwright_training!)).toMatchObject({ step: 8, optimizerSteps: 4 })
  })

  test('goes on after an interruption, to the same bits', async () => {
    const load = join(path('whole'), 'checkpoints/step-4')
    const { model: _, ...rest } = options
    const out = path('second-stopped')
    await stopAt(train({ ...rest, data, load, startEpoch: 1, out }), 6)
    await train({ resume: out }).result
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(out, file)).toEqual(await digestsOf(path('second'), file))
    await expect(train({ resume: out, startEpoch: 0 }).result).rejects.toThrow(refusal('cannot change startEpoch'))
  })

  test('needs weights, and an epoch that is left', async () => {
    const from = { ...options, data, out: path('never') }
    await expect(train({ ...from, startEpoch: 1 }).result).rejects.toThrow(refusal('expected weights in "load"'))
    await expect(train({ ...from, load: path('whole'), startEpoch: 2 }).result).rejects.toThrow(
      refusal(/expected less than epochs \(2\), got 2/),
    )
  })
})

describe('strict', () => {
  test('lists all that differs; without it the run says what it took and what it left', async () => {
    const narrower = { ...modelConfig(MODEL), embed_dim: 16 }
    const from = { ...options, data, epochs: 1, model: narrower, load: join(path('whole'), 'checkpoints/last') }
    await expect(train({ ...from, out: path('never') }).result).rejects.toThrow(
      refusal(/2 of another shape or type \(.*visual\.proj is .*text_projection is /, 'ERR_MISMATCH'),
    )
    const events = await eventsOf(train({ ...from, strict: false, out: path('partial') }))
    const warning = events.find((event) => event.type === 'warning' && event.code === 'partial_weights')
    expect(warning).toMatchObject({
      message: expect.stringMatching(
        /^(\d+) of (\d+) parameters were loaded from \S+\.safetensors \(.*visual\.transformer\.resblocks\.\{0-\d\}\.\{.*\)\. Of another shape or type, so at their initial values: 2 \(visual\.proj is \[/,
      ),
    })
    expect(logOf(path('partial'))).toContainEqual(warning)
  })

  test('says so, too, when everything was taken', async () => {
    const load = join(path('whole'), 'checkpoints/last')
    const events = await eventsOf(train({ ...options, data, epochs: 1, load, strict: false, out: path('all') }))
    const warnings = events.filter((event) => event.type === 'warning' && event.code === 'partial_weights')
    expect(warnings).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^(\d+) of \1 parameters were loaded from .*\)\.$/) }),
    ])
  })
})

describe('the model that a run begins with', () => {
  const settings = (o: object) =>
    parseTrainOptions({ data: 'x', threads: 1, precision: 'bf16', resize: 'squash', ...o })
  const projection = async (clip: Clip) => {
    const parameter = clip.parameters().find(({ name }) => name === 'visual.proj')!
    return [...(await parameter.read()).data.subarray(0, 4)]
  }

  test('is run as the options say, wherever it comes from; what it lacks is drawn by the seed', async () => {
    await using small = await Clip.create({ ...modelConfig(MODEL), embed_dim: 16 }, { threads: 1 })
    await small.save(path('small'))
    await using whole = await Clip.create(MODEL, { threads: 1, seed: 7 })
    await whole.save(path('last'))
    const partly = { load: path('small'), model: MODEL, strict: false, seed: 7 }
    for (const [options, last] of [
      [{ model: MODEL, seed: 7 }, undefined],
      [partly, undefined],
      [partly, path('last')],
    ] as const) {
      const { clip, loaded } = await startingModel(settings(options), last)
      await using _ = clip
      expect(clip).toMatchObject({ precision: 'bf16', preprocess: { resize_mode: 'squash' } })
      expect(clip.config.embed_dim).toBe(64)
      expect(await projection(clip)).toEqual(await projection(whole))
      expect(loaded?.mismatched.length).toBe(options === partly && last === undefined ? 2 : undefined)
    }
  })

  test('is given back when its parts cannot be frozen', async () => {
    const dispose = vi.spyOn(Clip.prototype, 'dispose')
    await expect(startingModel(settings({ model: MODEL, freeze: ['nothing'] }), undefined)).rejects.toThrow(/nothing/)
    expect(dispose).toHaveBeenCalledTimes(1)
    dispose.mockRestore()
  })
})
