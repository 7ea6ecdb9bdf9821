// The parts of docs/ that say what options there are: made from their declarations, between two comments.

/** What stands between `<!-- NAME -->` and `<!-- end of NAME -->`, in each of these blocks. */
const writers = { 'all options of train': allOptions, 'options of the preset': withPreset }

/**
 * A document with its blocks as the declarations have them; what is around them stays.
 * @param declared the groups of options, and the settings of runs with and without the preset
 */
export function withBlocks(text, declared) {
  return Object.entries(writers).reduce((result, [name, write]) => {
    const block = new RegExp(`(<!-- ${name} -->\n\n)(.*?)(\n\n<!-- end of ${name} -->)`, 'gs')
    return result.replace(block, (_, begin, old, end) => begin + write(declared, old) + end)
  }, text)
}

/** What `withBlocks` takes, from the library's own table and parser. */
export function declaredOptions(groups, parse) {
  const settings = (more) => {
    const { data: _data, model: _model, ...others } = parse({ data: 'list.json', model: 'ViT-B-32', ...more })
    return others
  }
  return { groups, preset: settings({ preset: 'reference' }), without: settings({}) }
}

/** A table for each group. */
function allOptions({ groups }) {
  const sections = Object.entries(groups).map(([title, options]) => {
    const rows = Object.entries(options).map(([name, option]) =>
      row([flagCell(name, option), `\`${name}\``, option.help, usual(option), option.resume]),
    )
    return [`### ${title}`, '', row(['flag', 'in code', '', 'default', 'resumed']), row(Array(5).fill('---')), ...rows]
  })
  return sections.map((lines) => lines.join('\n')).join('\n\n')
}

/** The table that is there, with its last two columns anew: of the flags that its second column begins code with. */
function withPreset({ groups, preset, without }, old) {
  const options = Object.assign({}, ...Object.values(groups))
  const [head, rule, ...rows] = old.split('\n')
  const filled = rows.map((line) => {
    const [theirs, ours] = cells(line)
    const names = [...ours.matchAll(/`--([a-z-]+)/g)]
      .map(([, flag]) => optionName(flag))
      .filter((name) => options[name])
    const valuesIn = (settings) => names.map((name) => resolved(options[name], settings[name])).filter(Boolean)
    return row([theirs, ours, valuesIn(preset).join(', '), valuesIn(without).join(', ')])
  })
  return [head, rule, ...filled].join('\n')
}

/** An option's value in the settings of a run; in words where it is as always and there are words for that. */
function resolved(option, value) {
  return value === undefined || value === option.default ? usual(option) : show(value)
}

function flagCell(name, { kind, value, off }) {
  if (kind.flag === undefined) return 'none'
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const shown = kind.flag.value ? `${flag} ${value ?? kind.flag.value}` : flag
  const choices = kind.flag.choices ? `: ${kind.flag.choices.map((choice) => `\`${choice}\``).join(', ')}` : ''
  return `\`${shown}\`${choices}${off ? `; \`${flag.replace('--', '--no-')}\`: ${off}` : ''}`
}

function optionName(flag) {
  return flag.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase())
}

function usual(option) {
  return option.otherwise ?? (option.default === undefined ? '' : show(option.default))
}

function show(value) {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'string') return `\`${value}\``
  if (typeof value === 'number' && value !== 0 && value < 1e-3) return value.toExponential()
  return String(value)
}

function cells(line) {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}

function row(texts) {
  return `| ${texts.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |')
}
