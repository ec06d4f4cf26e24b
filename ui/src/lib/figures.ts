// The four delivery figures as people read them: lengths of time, rates, and whether they got better.
import type { DeliveryFigures, Figures } from '@/api/types'

/** The periods to choose from, in days: whole weeks, so that no bar is shorter than the others. */
export const PERIODS = [7, 28, 84, 364] as const

export const DEFAULT_PERIOD = 28

export const FIGURES = ['frequency', 'lead', 'failures', 'restore'] as const
export type FigureName = (typeof FIGURES)[number]

/** What is counted, as the table shows it. */
export const COUNTS = ['live', 'failed', 'reverted', 'rolled_back', 'stopped'] as const

export const TRENDS = ['better', 'worse', 'same'] as const

/** How a figure stands against the period before; `none`: there is nothing to compare. */
export type Trend = (typeof TRENDS)[number] | 'none'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length of time in its one fitting unit: "42s", "7.5h", "3.2d"; "3.2天". */
export function formatLength(seconds: number, locale: string): string {
  const [unit, size] =
    seconds < MINUTE
      ? (['second', 1] as const)
      : seconds < HOUR
        ? (['minute', MINUTE] as const)
        : seconds < 2 * DAY
          ? (['hour', HOUR] as const)
          : (['day', DAY] as const)
  const value = seconds / size
  const digits = value < 10 && size > 1 ? 1 : 0
  const format = { style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits } as const
  return new Intl.NumberFormat(locale, format).format(value)
}

/** Lengths of time that an axis is divided by. */
const STEPS = [
  1,
  5,
  15,
  30,
  ...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE),
  ...[1, 2, 3, 6, 12].map(n => n * HOUR),
  ...[1, 2, 7, 14, 30, 60, 180, 360].map(n => n * DAY),
]

/** What an axis up to this length is divided by: at most four parts, each a round length. */
export function stepOf(longest: number): number {
  return STEPS.find(step => longest / step <= 4) ?? 720 * DAY
}

export function formatRate(rate: number, locale: string): string {
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(rate)
}

export function formatNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)
}

/** What is compared and drawn; null where there is none. */
export function figureOf(name: FigureName, figures: Figures): number | null {
  switch (name) {
    case 'frequency':
      return figures.live
    case 'lead':
      return figures.lead?.median ?? null
    case 'failures':
      return figures.failure_rate
    case 'restore':
      return figures.restore?.median ?? null
  }
}

/** More changes are better; less of everything else is. A twentieth is no difference. */
export function trendOf(name: FigureName, figures: DeliveryFigures): Trend {
  const now = figureOf(name, figures.period)
  const before = figureOf(name, figures.before)
  if (now === null || before === null || (name === 'frequency' && before === 0)) return 'none'
  if (Math.abs(now - before) <= Math.max(now, before) / 20) return 'same'
  return now > before === (name === 'frequency') ? 'better' : 'worse'
}

/** Whether there is anything to show at all. */
export function isEmpty({ period, before }: DeliveryFigures): boolean {
  const nothing = (figures: Figures) =>
    figures.live + figures.failed + figures.reverted + figures.stopped + figures.rollbacks === 0
  return nothing(period) && nothing(before)
}

/** The day a part of the period begins on, where its reader is. */
export function formatDay(at: string, locale: string, timezone: string): string {
  return new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', timeZone: timezone }).format(Date.parse(at))
}

/** The reader's time zone, which the server knows by the same name. */
export function ownZone(): string {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone
  // A browser that keeps it to itself says so in its place.
  return !name || name === 'Etc/Unknown' ? 'UTC' : name
}
