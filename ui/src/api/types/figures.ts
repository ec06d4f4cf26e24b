// How fast and how safely changes go live.
import type { Timestamp } from './common'

/** Times that belong together, in seconds. */
export interface Spread {
  count: number
  median: number
  p90: number
}

/** What happened in a span of time. */
export interface Figures {
  from: Timestamp
  to: Timestamp
  live: number
  /** Of `live`. */
  rolled_back: number
  failed: number
  reverted: number
  /** Failed before anything was switched: no failure of a change. */
  stopped: number
  rollbacks: number
  per_day: number
  /** From 0 to 1. */
  failure_rate: number | null
  lead: Spread | null
  restore: Spread | null
}

export interface DeliveryFigures {
  days: number
  period: Figures
  before: Figures
  weeks: boolean
  parts: Figures[]
  /** Places where the last change failed and nothing has put it right. */
  open: number
}

export interface FiguresFilter {
  days: number
  app?: string
  environment?: string
  /** An IANA time zone: whose days. */
  timezone: string
}
