// Environments, and what keeps releases to them waiting.
import type { Timestamp } from './common'

export interface Environment {
  key: string
  name: string
  color?: string | null
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
