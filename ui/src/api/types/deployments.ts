// Attempts to release something: states, hosts, steps and what they wrote.
import type { Timestamp } from './common'

export const DEPLOYMENT_STATES = [
  'queued',
  'building',
  'staging',
  'switching',
  'verifying',
  'paused',
  'succeeded',
  'failed',
  'reverting',
  'reverted',
  'cancelled',
  'superseded',
] as const
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number]

export const HOST_RUN_STATES = [
  'waiting',
  'staging',
  'staged',
  'switching',
  'live',
  'verifying',
  'done',
  'failed',
  'held',
  'reverted',
  'skipped',
  'cancelled',
  'unknown',
] as const
export type HostRunState = (typeof HOST_RUN_STATES)[number]

export const CELL_STATES = ['waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled'] as const
export type CellState = (typeof CELL_STATES)[number]

export const REQUEST_KINDS = ['regular', 'rollback', 'auto'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

export interface Live {
  release: string
  commit: string
  title: string
  at: Timestamp
  deployment: number
  /** How many hosts serve it. */
  hosts: number
  /** The branch or tag that it was asked for by; whole (`refs/heads/…`) when a push asked. */
  git_ref: string | null
}

/** Why a deployment stands still. */
export interface Pause {
  kind: 'confirm' | 'until' | 'held'
  next_batch?: number | null
  at?: Timestamp | null
  reason?: string | null
}

export interface DeploymentSummary {
  id: number
  request: number
  app: string
  environment: string
  kind: RequestKind
  state: DeploymentState
  commit: string
  git_ref: string | null
  title: string
  release: string | null
  attempt: number
  created_at: Timestamp
  started_at: Timestamp | null
  finished_at: Timestamp | null
  reason: string | null
  user: string
  hosts_total: number
  hosts_done: number
  pause?: Pause | null
  /** The lock or freeze window that keeps a queued one waiting. */
  blocked?: string | null
  gates_overridden_by?: string | null
  build?: { id: number | null; digest: string } | null
  mode?: 'regular' | 'custom'
  batches?: number
}

export interface HostRun {
  host: string
  state: HostRunState
  step: number | null
  reason: string | null
  previous_release: string | null
  batch?: number
  tries?: number
  updated_at: Timestamp
}

export interface DeploymentStep {
  /** 1 to 6; from 11 on the actions of a custom release config. */
  number: number
  title: string
  state: CellState
  on_server?: boolean
}

export interface StepCell {
  /** null: the server (steps 1 to 3). */
  host: string | null
  step: number
  state: CellState
  started_at: Timestamp | null
  finished_at: Timestamp | null
}

export interface Deployment extends DeploymentSummary {
  host_runs: HostRun[]
  steps: DeploymentStep[]
  cells: StepCell[]
  previous_release: string | null
  last_seq: number
}

export interface LogLine {
  seq: number
  at: Timestamp
  host: string | null
  step: number
  stream: 'system' | 'stdout' | 'stderr'
  text: string
}
