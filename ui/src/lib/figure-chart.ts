// One small chart of a delivery figure, drawn by chart.js: the only place that knows it, so that it is loaded with the
// figures and no sooner. Colours come from the tokens, and are read again when the theme changes.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  LinearScale,
  Tooltip,
} from 'chart.js'

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip)

/** Bars of one kind, one value a day or week. `token`: the colour's custom property. */
export interface Bars {
  label: string
  token: string
  values: (number | null)[]
}

export interface Drawing {
  labels: string[]
  bars: Bars[]
  /** A value as text: at the axis and in the tip. */
  format: (value: number) => string
  /** What the axis is divided by; without it, by whole numbers. */
  step?: number
}

type Bar = Chart<'bar', (number | null)[], string>

/** Draws on the canvas; the chart is to be destroyed with it. */
export function draw(canvas: HTMLCanvasElement, drawing: Drawing): Bar {
  return new Chart(canvas, configuration(drawing, getComputedStyle(canvas)))
}

/** Shows other figures, or the same in other colours. */
export function redraw(chart: Bar, drawing: Drawing) {
  const next = configuration(drawing, getComputedStyle(chart.canvas))
  chart.data = next.data
  chart.options = next.options ?? {}
  chart.update()
}

function configuration(
  { labels, bars, format, step }: Drawing,
  style: CSSStyleDeclaration,
): ChartConfiguration<'bar', (number | null)[], string> {
  const colour = (token: string) => style.getPropertyValue(token).trim()
  const font = { family: style.fontFamily, size: 11 }
  const datasets = bars.map(
    ({ label, token, values }): ChartDataset<'bar', (number | null)[]> => ({
      label,
      data: values,
      backgroundColor: colour(token),
      hoverBackgroundColor: colour(token),
      borderRadius: 2,
      maxBarThickness: 22,
    }),
  )
  return {
    type: 'bar',
    data: { labels, datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: {
          stacked: true,
          grid: { display: false },
          border: { color: colour('--line') },
          ticks: { color: colour('--ink-faint'), font, maxRotation: 0, autoSkipPadding: 16 },
        },
        y: {
          stacked: true,
          beginAtZero: true,
          border: { display: false },
          grid: { color: colour('--line') },
          ticks: {
            color: colour('--ink-faint'),
            font,
            maxTicksLimit: 5,
            callback: value => (value === 0 ? '0' : format(Number(value))),
            ...(step ? { stepSize: step } : { precision: 0 }),
          },
        },
      },
      plugins: {
        tooltip: {
          displayColors: bars.length > 1,
          backgroundColor: colour('--hull'),
          titleColor: colour('--hull-ink'),
          bodyColor: colour('--hull-ink'),
          callbacks: { label: item => `${item.dataset.label ?? ''}: ${format(item.parsed.y ?? 0)}` },
        },
      },
    },
  }
}
