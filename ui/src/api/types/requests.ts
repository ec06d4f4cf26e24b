// Requests to release something.
import type { Timestamp } from './common'
import type { RequestKind } from './deployments'

export const REQUEST_STATES = [
  'awaiting_review',
  'awaiting_release',
  'releasing',
  'succeeded',
  'failed',
  'rejected',
  'withdrawn',
  'cancelled',
  'superseded',
] as const
export type RequestState = (typeof REQUEST_STATES)[number]

export interface Approval {
  user: string
  at: Timestamp
}

export interface ReleaseRequest {
  id: number
  app: string
  environment: string
  kind: RequestKind
  state: RequestState
  commit: string
  git_ref: string | null
  title: string
  created_by: string
  created_at: Timestamp
  decided_by: string | null
  decided_at: Timestamp | null
  reason: string | null
  required_approvals: number
  approvals: Approval[]
  deployment: number | null
  target_release: string | null
}

export interface DeployBody {
  ref?: string
  commit?: string
  title?: string
  hosts?: string[]
  build?: number
  inputs?: Record<string, string>
}
