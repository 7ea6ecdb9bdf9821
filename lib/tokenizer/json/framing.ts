/** What a tokenizer.json puts around the ids of one text (`post_processor`). */
import { z } from 'zod'
import type { Framing } from '../tokenizer.js'
import { damaged, make, makeAll, type Place, type Row, settingsOf } from './component.js'

const NONE: Framing = { start: [], end: [] }

/** @throws ClipwrightError ERR_FORMAT */
export function makeFraming(value: unknown, where: string): Framing {
  return value === null || value === undefined ? NONE : make(TABLE, value, { where, key: 'post_processor' })
}

const special = z.tuple([z.string(), z.int().min(0)])
const pair = z.looseObject({ sep: special, cls: special })
const template = z.looseObject({
  single: z.array(
    z.union([
      z.object({ SpecialToken: z.looseObject({ id: z.string() }) }),
      z.object({ Sequence: z.looseObject({ id: z.string() }) }),
    ]),
  ),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().min(0)) })),
})

function aroundPair(settings: Record<string, unknown>, place: Place): Framing {
  const { sep, cls } = settingsOf(pair, settings, place)
  return { start: [cls[1]], end: [sep[1]] }
}

const TABLE: Readonly<Record<string, Row<Framing>>> = {
  BertProcessing: aroundPair,
  // It changes offsets alone.
  ByteLevel: () => NONE,
  RobertaProcessing: aroundPair,
  Sequence(settings, place) {
    const inner = makeAll(TABLE, settings.processors, place)
    return inner.reduce((so, { start, end }) => ({ start: [...start, ...so.start], end: [...so.end, ...end] }), NONE)
  },
  TemplateProcessing(settings, place) {
    const { single, special_tokens } = settingsOf(template, settings, place)
    const idsOf = (parts: typeof single) =>
      parts.flatMap((part) => {
        const name = 'SpecialToken' in part ? part.SpecialToken.id : ''
        if (Object.hasOwn(special_tokens, name)) return special_tokens[name]!.ids
        throw damaged(place, `single: the token ${JSON.stringify(name)} is not among special_tokens`)
      })
    const text = single.findIndex((part) => 'Sequence' in part)
    if (text < 0 || single.findLastIndex((part) => 'Sequence' in part) !== text) {
      throw damaged(place, 'single: expected one Sequence')
    }
    return { start: idsOf(single.slice(0, text)), end: idsOf(single.slice(text + 1)) }
  },
}
