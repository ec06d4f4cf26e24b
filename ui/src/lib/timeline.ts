// When the jobs of a run waited and ran, as fractions of one time axis.
import type { Job } from '@/api/types'

export interface Bar {
  job: Job
  /** From when it waited, from when it ran, and until when: each 0 to 1. */
  from: number
  start: number | null
  end: number
}

export interface Timeline {
  bars: Bar[]
  /** Round times on the axis. */
  ticks: { at: number; seconds: number }[]
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400]
const MOST_TICKS = 6

/** What has not ended yet lasts until `nowMs`. */
export function toTimeline(jobs: readonly Job[], nowMs: number): Timeline {
  const begins = jobs.map(job => Date.parse(job.created_at))
  const ends = jobs.map(job => (job.ended_at ? Date.parse(job.ended_at) : nowMs))
  const origin = Math.min(...begins)
  const span = Math.max(1_000, Math.max(...ends) - origin)
  const fraction = (ms: number) => Math.min(1, Math.max(0, (ms - origin) / span))
  const bars = jobs.map((job, index) => ({
    job,
    from: fraction(begins[index] ?? origin),
    start: job.started_at ? fraction(Date.parse(job.started_at)) : null,
    end: fraction(ends[index] ?? origin),
  }))
  return { bars: jobs.length ? bars : [], ticks: jobs.length ? ticksOf(span / 1_000) : [] }
}

function ticksOf(seconds: number) {
  const step = STEPS.find(each => seconds / each <= MOST_TICKS) ?? Math.ceil(seconds / MOST_TICKS / 86_400) * 86_400
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => ({
    at: (index * step) / seconds,
    seconds: index * step,
  }))
}
