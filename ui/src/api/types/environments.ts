// Environments, and what keeps releases to them waiting.
import type { Schemas } from './schemas'

export type Environment = Schemas['EnvironmentBrief']

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

export type EnvironmentDetail = Schemas['EnvironmentView']
export type Lock = Schemas['LockView']
export type Gate = Schemas['GateView']
