import { describe, expect, test } from 'vitest'
import type { Chart, Look } from '../../lib/report/chart.js'
import { chartSvg } from '../../lib/report/chart-svg.js'
import { lossChart } from '../../lib/report/charts.js'
import { curveOf } from './losses.js'

// Where the axes lie.
const [LEFT, RIGHT, TOP, BOTTOM] = [76, 796, 64, 424]

const solid: Look = { colour: '#123456', width: 2 }
const chart: Chart = {
  title: 'Loss & <more>',
  x: { title: 'step', domain: [0, 100], whole: true },
  y: { title: 'loss', domain: [0, 5] },
  levels: [{ y: 2.5, look: { ...solid, dash: '7 5' } }],
  curves: [
    {
      points: [
        [0, 0],
        [50, 5],
        [60, Number.NaN],
        [80, 2],
        [100, 1],
      ],
      look: { ...solid, marker: 'disc' },
    },
  ],
  legend: [{ text: 'a curve', look: { ...solid, marker: 'ring' } }],
  best: { x: 50, text: 'best' },
}
/** Attributes of elements of a class. */
function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<\\w+ class="${name}"([^>]*)/>`, 'g'))].map(([, attributes]) =>
    Object.fromEntries([...attributes!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  )
}
const texts = (svg: string) => [...svg.matchAll(/<text ([^>]*)>([^<]*)</g)].map(([, look, text]) => ({ look, text }))

describe('a chart', () => {
  const svg = chartSvg(chart)

  test('draws its curve at its values, with a gap where there is none, and a marker at each point', () => {
    expect(elements(svg, 'curve')).toMatchObject([
      { d: `M${LEFT} ${BOTTOM}L436 ${TOP}M652 280L${RIGHT} 352`, stroke: '#123456', 'stroke-width': '2' },
    ])
    const markers = elements(svg, 'marker').filter(({ fill }) => fill === '#123456')
    expect(markers.map(({ cx, cy }) => [Number(cx), Number(cy)])).toEqual([
      [LEFT, BOTTOM],
      [436, TOP],
      [652, 280],
      [RIGHT, 352],
    ])
  })

  test('draws its levels across the plot, and the best upright', () => {
    expect(elements(svg, 'level')).toMatchObject([{ d: `M${LEFT} 244H${RIGHT}`, 'stroke-dasharray': '7 5' }])
    expect(elements(svg, 'best')).toMatchObject([{ d: `M436 ${TOP - 6}V${BOTTOM}` }])
  })

  test('has its ticks at round values, their texts beside them', () => {
    const marks = (name: string) => elements(svg, name).map(({ d }) => d)
    expect(marks('y-tick')).toEqual([0, 1, 2, 3, 4, 5].map((y) => `M${LEFT - 5} ${BOTTOM - 72 * y}H${LEFT}`))
    expect(marks('x-tick')).toHaveLength(11)
    expect(marks('x-tick')[5]).toBe(`M436 ${BOTTOM}V${BOTTOM + 5}`)
    expect(texts(svg).find(({ text }) => text === '50')?.look).toMatch(/^x="436" y="444" .*text-anchor="middle"/)
  })

  test('says what it is', () => {
    const said = texts(svg).map(({ text }) => text)
    expect(said).toEqual(expect.arrayContaining(['Loss &amp; &lt;more&gt;', 'step', 'loss', 'a curve', 'best']))
    expect(elements(svg, 'key')).toMatchObject([{ stroke: '#123456' }])
  })

  test('without the best has no such line', () => {
    const { best: _, ...rest } = chart
    expect(elements(chartSvg(rest), 'best')).toEqual([])
  })
})

test('the text of the best stays above the plot', () => {
  const text = 'best: step 100, mean recall 12.3 %'
  for (const x of [0, 100]) {
    const { look } = texts(chartSvg({ ...chart, best: { x, text } })).find((found) => found.text === text)!
    const middle = Number(/x="([\d.]+)"/.exec(look!)![1])
    const half = (0.573 * 12 * text.length) / 2
    expect(middle - half).toBeGreaterThanOrEqual(LEFT - 0.1)
    expect(middle + half).toBeLessThanOrEqual(RIGHT + 0.1)
  }
})

test('a point alone has a marker and no line, and points that would hide the line have none', () => {
  const of = (count: number) =>
    chartSvg({
      ...chart,
      legend: [],
      curves: [{ points: Array.from({ length: count }, (_, i) => [i, 1]), look: { ...solid, marker: 'disc' } }],
    })
  const counts = (count: number) => ['curve', 'marker'].map((name) => elements(of(count), name).length)
  expect([1, 240, 241].map(counts)).toEqual([
    [0, 1],
    [1, 240],
    [1, 0],
  ])
})

test('100,000 steps are drawn within 20 ms of the event loop', () => {
  const points = curveOf(Array.from({ length: 100_000 }, (_, i) => 4 * Math.exp(-i / 3e4) + ((i * 7919) % 31) / 50))
  // Of this process: other programs on the machine do not count.
  const times = Array.from({ length: 5 }, () => {
    const began = process.cpuUsage()
    expect(chartSvg(lossChart(points)).length).toBeLessThan(100_000)
    return process.cpuUsage(began).user / 1000
  })
  expect(Math.min(...times)).toBeLessThan(20)
})
