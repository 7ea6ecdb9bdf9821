/** How the costs of a run's samples are spread. */
import { barChartSvg } from './bar-chart.js'
import { OKABE_ITO } from './palette.js'

/** @param histogram samples by their mean loss in nats, in parts of equal width from 0 on */
export function ledgerPicture(
  title: string,
  { width, counts }: { width: number; counts: readonly number[] },
  guessing: number,
): string {
  const all = counts.reduce((sum, count) => sum + count, 0)
  return barChartSvg({
    title,
    caption: `samples by the mean of their two losses, in nats; guessing costs ${guessing.toFixed(2)}`,
    bars: counts.map((count, i) => ({
      label: `${(i * width).toFixed(2)} to ${((i + 1) * width).toFixed(2)}`,
      value: count,
      text: `${count} (${all > 0 ? ((100 * count) / all).toFixed(1) : '0.0'} %)`,
      colour: OKABE_ITO.blue,
    })),
  })
}
