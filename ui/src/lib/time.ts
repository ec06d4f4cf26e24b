// Times as people read them. `useNow` is one clock for the page: all ages on it tick together.
import { onScopeDispose, type Ref, ref } from 'vue'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const now = ref(Date.now())
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The current time in milliseconds, to the second, while somebody watches. */
export function useNow(): Readonly<Ref<number>> {
  watchers += 1
  now.value = Date.now()
  timer ??= setInterval(() => {
    now.value = Date.now()
  }, 1_000)
  onScopeDispose(() => {
    watchers -= 1
    if (watchers > 0) return
    clearInterval(timer)
    timer = undefined
  })
  return now
}

/** "3h ago", "3小时前"; a clock that runs ahead of ours reads as now. */
export function formatAge(at: string, nowMs: number, locale: string): string {
  return relativeTime(Math.max(0, Math.round((nowMs - Date.parse(at)) / 1_000)), -1, locale)
}

/** "in 3h", "3小时后"; what is due reads as now. */
export function formatWait(at: string, nowMs: number, locale: string): string {
  return relativeTime(Math.max(0, Math.round((Date.parse(at) - nowMs) / 1_000)), 1, locale)
}

function relativeTime(seconds: number, sign: 1 | -1, locale: string): string {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' })
  if (seconds < 5) return relative.format(0, 'second')
  if (seconds < MINUTE) return relative.format(sign * seconds, 'second')
  if (seconds < HOUR) return relative.format(sign * Math.floor(seconds / MINUTE), 'minute')
  if (seconds < DAY) return relative.format(sign * Math.floor(seconds / HOUR), 'hour')
  if (seconds < 30 * DAY) return relative.format(sign * Math.floor(seconds / DAY), 'day')
  if (seconds < 365 * DAY) return relative.format(sign * Math.floor(seconds / (30 * DAY)), 'month')
  return relative.format(sign * Math.floor(seconds / (365 * DAY)), 'year')
}

/** Date and time to the second, in the reader's time zone. */
export function formatMoment(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(Date.parse(at))
}

/** The time of day to the second, as log lines show it. */
export function formatClock(at: string): string {
  const date = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** A round length of time in one unit: "45s", "2m", "1h"; "2分钟". */
export function formatSpan(seconds: number, locale: string): string {
  const [unit, size] =
    seconds > 0 && seconds % HOUR === 0
      ? (['hour', HOUR] as const)
      : seconds > 0 && seconds % MINUTE === 0
        ? (['minute', MINUTE] as const)
        : (['second', 1] as const)
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow' }).format(seconds / size)
}

export interface DurationParts {
  hours: number
  minutes: number
  /** With one decimal when it is over and took less than ten, else whole. */
  seconds: number
}

/** Milliseconds between two moments as hours, minutes and seconds; an end that is missing is `nowMs`. */
export function durationParts(start: string, end: string | null, nowMs: number): DurationParts {
  const ms = Math.max(0, (end ? Date.parse(end) : nowMs) - Date.parse(start))
  const total = ms / 1_000
  if (end && total < 10) return { hours: 0, minutes: 0, seconds: Math.round(total * 10) / 10 }
  const whole = Math.floor(total)
  return { hours: Math.floor(whole / HOUR), minutes: Math.floor((whole % HOUR) / MINUTE), seconds: whole % MINUTE }
}
