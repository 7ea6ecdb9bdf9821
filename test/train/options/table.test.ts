import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { count, onOff } from '../../../lib/base/kinds.js'
import type { Option } from '../../../lib/base/option.js'
import type { AugmentOptions, AugmentPolicy, ModelConfig, PresetName, TrainOptions } from '../../../lib/index.js'
import { option } from '../../../lib/train/options/declare.js'
import type { Settings } from '../../../lib/train/options/options.js'
import { TRAIN_GROUPS, TRAIN_OPTIONS } from '../../../lib/train/options/table.js'

describe('an option of training', () => {
  it('does not compile without a rule for resumed runs, or with a default of another kind', () => {
    // @ts-expect-error what a resumed run may do with it is missing
    option(count, { help: 'how many', default: 1 })
    // @ts-expect-error there is no such rule
    option(count, { help: 'how many', default: 1, resume: 'perhaps' })
    // @ts-expect-error a switch is not a number
    option(onOff, { help: 'whether', default: 1, resume: 'free' })
    expect(option(count, { help: 'how many', default: 1, resume: 'free' })).toMatchObject({
      default: 1,
      resume: 'free',
    })
  })

  it('is in one group, and only there', () => {
    const names = Object.values(TRAIN_GROUPS).flatMap((group) => Object.keys(group))
    expect(new Set(names).size).toBe(names.length)
    expect(names.toSorted()).toEqual(Object.keys(TRAIN_OPTIONS).toSorted())
  })

  it('has the type that its kind gives', () => {
    expectTypeOf<TrainOptions['epochs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<TrainOptions['data']>().toEqualTypeOf<string | readonly string[] | undefined>()
    expectTypeOf<TrainOptions['model']>().toEqualTypeOf<string | ModelConfig | undefined>()
    expectTypeOf<TrainOptions['betas']>().toEqualTypeOf<readonly [number, number] | undefined>()
    expectTypeOf<TrainOptions['device']>().toEqualTypeOf<'auto' | 'cpu' | 'cuda' | `cuda:${number}` | undefined>()
    expectTypeOf<TrainOptions['precision']>().toEqualTypeOf<'fp32' | 'bf16' | 'fp16' | undefined>()
    expectTypeOf<TrainOptions['reduction']>().toEqualTypeOf<'mean' | 'sum' | undefined>()
    expectTypeOf<TrainOptions['preset']>().toEqualTypeOf<PresetName | undefined>()
    expectTypeOf<TrainOptions['freeze']>().toEqualTypeOf<string[] | undefined>()
    expectTypeOf<TrainOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>()
    type Augment = boolean | AugmentPolicy | Partial<AugmentOptions>
    expectTypeOf<TrainOptions['augment']>().toEqualTypeOf<Augment | undefined>()
    // With a default it is always there.
    expectTypeOf<Settings['epochs']>().toEqualTypeOf<number>()
    expectTypeOf<Settings['strict']>().toEqualTypeOf<boolean>()
    expectTypeOf<Settings['microBatch']>().toEqualTypeOf<number | undefined>()
  })
})

describe('in an editor', () => {
  const file = join(import.meta.dirname, 'hover.ts')
  const names = Object.keys(TRAIN_OPTIONS)
  const text = `import type { TrainOptions } from '../../../lib/index.js'\n${names.map((name) => `export let ${name}: TrainOptions['${name}']`).join('\n')}
declare const o: TrainOptions\n${names.map((name) => `o.${name}`).join('\n')}\n`
  let service: ts.LanguageService
  beforeAll(() => {
    const { config } = ts.readConfigFile('tsconfig.test.json', ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.')
    service = ts.createLanguageService({
      ...ts.sys,
      useCaseSensitiveFileNames: () => true,
      getCurrentDirectory: () => process.cwd(),
      getCompilationSettings: () => options,
      getScriptFileNames: () => [file],
      getScriptVersion: () => '1',
      getScriptSnapshot: (path) => {
        const source = path === file ? text : ts.sys.readFile(path)
        return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source)
      },
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (path) => path === file || ts.sys.fileExists(path),
    })
  })

  it.each(Object.entries<Option<unknown>>(TRAIN_OPTIONS))(
    '%s shows its docs, and in them its default',
    (name, { default: usual }) => {
      const info = service.getQuickInfoAtPosition(file, text.indexOf(`\no.${name}\n`) + 3)
      const type = ts.displayPartsToString(info?.displayParts)
      const docs = ts.displayPartsToString(info?.documentation)
      expect(type).toMatch(new RegExp(`^\\(property\\) ${name}\\?: `))
      expect(type).not.toMatch(/zod|Zod|ValueOf|Option</)
      expect(docs).toMatch(/\.$/)
      if (usual === undefined) return
      const shown = usual === 5e-4 ? '5e-4' : typeof usual === 'string' ? `'${usual}'` : String(usual)
      expect(docs).toContain(shown)
      expect(docs).toContain('default')
    },
  )
})
