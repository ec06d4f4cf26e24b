// Environments, and what keeps releases to them waiting.
import type { Timestamp } from './common'

export interface Environment {
  key: string
  name: string
  color?: string | null
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

export interface WindowForm {
  days?: Weekday[]
  /** `09:00`. */
  from: string
  to: string
  zone: string
}

/** Weekly with `from` and `to` as times of day, or once with `from` and `until` as dates. */
export interface FreezeForm {
  days?: Weekday[]
  from: string
  to?: string
  until?: string
  zone: string
  reason: string
}

/** What `[[environment]]` says, without its key. What is as davit does it anyway is left out. */
export interface EnvironmentForm {
  name?: string
  color?: string
  review?: { required: number; self_approval?: boolean; reviewers?: string[]; expires?: string }
  branches?: string[]
  url?: string
  forge_name?: string
  window?: WindowForm[]
  freeze?: FreezeForm[]
  require_green?: boolean | string[]
}

export interface EnvironmentDetail extends Environment {
  required_approvals: number
  self_approval: boolean
  branches: string[] | null
  url: string | null
  form: EnvironmentForm
  /** What keeps every app from it now. */
  gate: Gate
}

export interface Lock {
  id: number
  environment: string
  app: string | null
  reason: string
  owner: string
  created_at: Timestamp
  expires_at: Timestamp | null
}

export interface Gate {
  open: boolean
  reason: string | null
  until: Timestamp | null
  locks: Lock[]
  frozen: { reason: string; until: Timestamp } | null
  /** Outside of the release windows; until null: no window opens again. */
  closed: { until: Timestamp | null } | null
}
