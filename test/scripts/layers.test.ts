import { describe, expect, it } from 'vitest'
import { libLayers, libViolations } from '../../scripts/layers/lib.mjs'
import { nativeLayers, nativeViolations } from '../../scripts/layers/native.mjs'

describe('native layers', () => {
  const sources = {
    'core/tensor.h': '#include <vector>\n',
    'ops/ops.h': '#include "core/tensor.h"\n',
    'ops/cpu/cpu.h': '#include "ops/ops.h"\n#include "local.h"\n',
    'ops/cpu/local.h': '',
    'nn/linear.h': '#include "ops/ops.h"\n',
    'engine/session.cpp': '#include "ops/cpu/cpu.h"\n#include "nn/linear.h"\n',
    'addon/addon.cpp': '#include <napi.h>\n#include "engine/session.h"\n',
    'engine/session.h': '',
  }

  it('accepts includes that point down', () => {
    expect(nativeViolations(sources)).toEqual([])
  })

  it('has one direction for every pair of folders', () => {
    const folders = Object.keys(nativeLayers)
    const back = Object.entries(nativeLayers).filter(([folder, below]) =>
      below.some((other) => !folders.slice(0, folders.indexOf(folder)).includes(other)),
    )
    expect(back).toEqual([])
  })

  it.each([
    ['core/tensor.h', '#include "ops/ops.h"\n', 'core may use nothing, not ops'],
    ['nn/linear.h', '#include "ops/cpu/cpu.h"\n', 'nn may use core, ops, not ops/cpu'],
    ['nn/linear.h', '  # include "../engine/session.h"\n', 'not engine'],
    ['ops/ops.h', '#include "ops/cpu/local.h"\n', 'ops may use core, dist, not ops/cpu'],
    ['test/backends.h', '#include "addon/addon.cpp"\n', 'not addon'],
    ['engine/session.cpp', '#include <napi.h>\n', 'only native/addon may know Node'],
    ['engine/session.cpp', '#include "node_api.h"\n', 'only native/addon may know Node'],
    ['novel/a.cpp', '#include "core/tensor.h"\n', 'no known layer'],
  ])('names what points back: %s with %j', (file, text, sentence) => {
    const violations = nativeViolations({ ...sources, [file]: text })
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain(`native/${file}`)
    expect(violations[0]).toContain(sentence)
  })
})

describe('lib layers', () => {
  const sources = {
    'base/errors.ts': '',
    'native/addon.ts': "import { ClipwrightError } from '../base/errors.js'\nload('node-gyp-build')\n",
    'models/config.ts': "import { ClipwrightError } from '../base/errors.js'\n",
    'clip/clip.ts':
      "import type { ModelConfig } from '../models/config.js'\nimport { native } from '../native/addon.js'\n",
    'train/train.ts': "import { Clip } from '../clip/clip.js'\nconst { run } = await import('./run.js')\n",
    'train/run.ts': '',
    'index.ts': "export { train } from './train/train.js'\n",
  }

  it('accepts imports that point down', () => {
    expect(libViolations(sources)).toEqual([])
  })

  it.each([
    [
      'models/config.ts',
      "import type { Clip } from '../clip/clip.js'\n",
      'lib/models/config.ts imports lib/clip/clip.ts',
    ],
    ['train/run.ts', "export * from '../index.js'\n", 'lib/train/run.ts imports lib/index.ts'],
    [
      'clip/clip.ts',
      "const { train } = await import('../train/train.js')\n",
      'lib/clip/clip.ts imports lib/train/train.ts',
    ],
    ['train/run.ts', "import './train.js'\n", 'a cycle'],
    ['clip/clip.ts', "require('node-gyp-build')\n", 'only lib/native/addon.ts may'],
    ['novel/a.ts', '', 'no known folder'],
    ['loose.ts', '', 'no known folder'],
  ])('names what points back: %s with %j', (file, text, sentence) => {
    expect(libViolations({ ...sources, [file]: text }).join('\n')).toContain(sentence)
  })

  it.each(libLayers.flatMap((low, i) => libLayers.slice(i + 1).map((high) => [low, high] as const)))(
    '%s may not import %s, which may import it',
    (low, high) => {
      const inside = (folder: string) => (folder.endsWith('.ts') ? folder : `${folder}/x.ts`)
      const importing = (from: string, to: string) => ({
        [inside(to)]: '',
        [inside(from)]: `import '${from.endsWith('.ts') ? './' : '../'}${inside(to).replace('.ts', '.js')}'\n`,
      })
      expect(libViolations(importing(high, low))).toEqual([])
      expect(libViolations(importing(low, high))).toHaveLength(1)
    },
  )
})
