/** The kinds of values that options have, and the declaring of an option by one. */

import type { z } from 'zod'
import { isAbortSignal } from './brands.js'
import type { Flag, Kind, Option, Told } from './option.js'

/** Handed in by who checks, so that a command line which only lists its flags does not wait for zod. */
export type Zod = typeof z

export type CheckedKind<T> = Kind<T> & { schema(zod: Zod): z.ZodType<T> }

export function option<T, const D extends T | undefined = undefined>(
  kind: CheckedKind<T>,
  told: Told<D>,
): Option<T, D> {
  return { ...told, kind, default: told.default as D }
}

/** There or not. */
export const onOff: CheckedKind<boolean> = { flag: {}, schema: (z) => z.boolean() }

export function wholeNumber(least: number, most?: number): CheckedKind<number> {
  const expected =
    most === undefined ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`
  return {
    flag: {
      value: '<n>',
      expected,
      read: (text) => {
        const x = toNumber(text)
        return Number.isSafeInteger(x) && x >= least && x <= (most ?? x) ? x : undefined
      },
    },
    schema: (z) => (most === undefined ? z.int().min(least) : z.int().min(least).max(most)),
  }
}

/** How often, how many. */
export const count = wholeNumber(1)

/** Any number on the command line: its bounds are checked with all else, and named then. */
const decimalFlag: Flag<number> = {
  value: '<x>',
  expected: 'a number',
  read: (text) => {
    const x = toNumber(text)
    return Number.isFinite(x) ? x : undefined
  },
}

/** 0 or more. */
export const rate: CheckedKind<number> = { flag: decimalFlag, schema: (z) => z.number().min(0) }

/** More than 0. */
export const positive: CheckedKind<number> = { flag: decimalFlag, schema: (z) => z.number().positive() }

/** 0 to below 1. */
export const share: CheckedKind<number> = { flag: decimalFlag, schema: (z) => z.number().min(0).lt(1) }

export const sharePair: CheckedKind<readonly [number, number]> = {
  flag: {
    value: '<x,y>',
    expected: 'two numbers such as 0.9,0.98',
    read: (text) => {
      const [x, y, ...rest] = text.split(',').map(toNumber)
      return Number.isFinite(x) && Number.isFinite(y) && rest.length === 0 ? [x as number, y as number] : undefined
    },
  },
  schema: (z) => z.tuple([share.schema(z), share.schema(z)]).readonly(),
}

/** Not empty. */
export const text: CheckedKind<string> = {
  flag: { value: '<text>', read: (given) => given },
  schema: (z) => z.string().min(1),
}

export const path: CheckedKind<string> = { ...text, flag: { ...text.flag, value: '<path>' } }

/** One, or several where the flag is there several times. */
export const paths: CheckedKind<string | readonly string[]> = {
  flag: { value: '<path>', read: (given, before) => (before === undefined ? given : [before, given].flat()) },
  schema: (z) => z.union([text.schema(z), z.array(text.schema(z)).min(1).readonly()]),
}

/** Numbers of more than 0 between commas. */
export const weights: CheckedKind<readonly number[]> = {
  flag: {
    value: '<x,y>',
    expected: 'numbers of more than 0 such as 2,1',
    read: (text) => {
      const all = text.split(',').map(toNumber)
      return all.every((x) => Number.isFinite(x) && x > 0) ? all : undefined
    },
  },
  schema: (z) => z.array(z.number().positive()).min(1).readonly(),
}

/** One each time that the flag is there. */
export const texts: CheckedKind<string[]> = {
  flag: { value: '<text>', read: (given, before = []) => [...before, given] },
  schema: (z) => z.array(text.schema(z)),
}

/** One of these. */
export function choice<const T extends string>(choices: readonly T[]): CheckedKind<T> {
  return {
    flag: { value: '<name>', choices, read: (given) => choices.find((name) => name === given) },
    schema: (z) => z.enum(choices),
  }
}

/** From code alone. */
export const abortSignal: CheckedKind<AbortSignal> = {
  schema: (z) => z.custom<AbortSignal>(isAbortSignal, { error: 'expected an AbortSignal' }),
}

/** NaN also for nothing but spaces. */
function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}
